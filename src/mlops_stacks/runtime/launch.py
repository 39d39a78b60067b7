"""Becomes a supervised program, after making sure that nothing of it still runs.

Every program under the local supervisor starts as `python -m mlops_stacks.runtime.launch <definition.json>`.
A killed supervisor starts nothing twice and orphans nothing for long, because this

1. ends the processes that an earlier life of the program left behind (they carry the program's marker),
2. asks the kernel to end this process when its parent dies (Linux; elsewhere the first point has to do), and
3. replaces itself by the program, so that the supervisor watches the program and not a wrapper.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from mlops_components.spec.marked import DIGEST, MARKER, end, marked

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


class LaunchError(Exception):
    """The program cannot be started; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What to become: written by the local platform, one JSON file a program."""

    marker: str
    digest: str
    command: tuple[str, ...]
    environment: dict[str, str]
    directory: str

    @staticmethod
    def load(path: Path) -> Definition:
        """Read the definition at `path`; raises `LaunchError` where it is missing or no definition."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return Definition(
                marker=document["marker"],
                digest=document["digest"],
                command=tuple(document["command"]),
                environment=dict(document["environment"]),
                directory=document["directory"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LaunchError(f"The program's definition {path} cannot be read ({error!r}); run `up` again.") from error


def resolved(command: tuple[str, ...]) -> list[str]:
    """`command` with a leading `python` replaced by this interpreter, whose packages the program needs."""
    return [sys.executable, *command[1:]] if command[0] == "python" else list(command)


def follow_parent(parent: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent dies; end now if `parent` is gone already."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise LaunchError("The supervisor ended while this program was starting; run `up` again.")


def launch(path: Path) -> None:
    """Become the program defined at `path`; returns only by raising `LaunchError`."""
    parent = os.getppid()
    definition = Definition.load(path)
    survivors = end(marked(lambda marker: marker == definition.marker))
    if survivors:
        identifiers = ", ".join(str(process.pid) for process in survivors)
        raise LaunchError(f"Earlier processes of this program do not end ({identifiers}); end them and run `up` again.")
    follow_parent(parent)
    environment = {
        # A log that is read while the program runs, or after it was killed, must not wait in a buffer.
        "PYTHONUNBUFFERED": "1",
        **os.environ,
        **definition.environment,
        MARKER: definition.marker,
        DIGEST: definition.digest,
    }
    try:
        os.chdir(definition.directory)
        os.execvpe(resolved(definition.command)[0], resolved(definition.command), environment)  # noqa: S606
    except OSError as error:
        raise LaunchError(
            f"The program {definition.command[0]} cannot be started in {definition.directory}: {error}."
        ) from error


def main() -> int:
    """Command line: the path of a definition. Returns 70 when the program cannot be started."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m mlops_stacks.runtime.launch DEFINITION.json\n")
        return 64
    try:
        launch(Path(sys.argv[1]))
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
    return 70


if __name__ == "__main__":
    raise SystemExit(main())
