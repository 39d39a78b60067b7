"""Runs one command of a build: what it says goes to the build's log and, while it runs, to whoever pushed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from mlops_stacks.runtime.errors import RuntimeFault
from mlops_stacks.runtime.process import PARENT_VARIABLE, Ended, stop

_POLL_SECONDS = 0.1


class BuildError(RuntimeFault):
    """A part of a build failed; the sentence says which and why."""


class Log:
    """The log of a build, whose new lines are repeated for the person who waits."""

    def __init__(self, path: Path, audience: TextIO) -> None:
        self.path = path
        self._audience = audience
        self._said = 0

    def say(self, line: str) -> None:
        """A line of the build's own."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
        self.repeat()

    def repeat(self) -> None:
        """Hand on what was added to the log since the last time."""
        with self.path.open("rb") as stream:
            stream.seek(self._said)
            added = stream.read()
        self._said += len(added)
        if added:
            self._audience.write(added.decode("utf-8", "replace"))
            self._audience.flush()


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: without git's variables, which name the repository that is being pushed to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Tools beside this interpreter come first, whatever environment the pusher has active.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return {**kept, "PATH": path, **more}


def run_logged(
    command: Sequence[str], folder: Path, log: Log, limit_seconds: float, environment: Mapping[str, str]
) -> Ended:
    """Run `command` in `folder` to its end, or to its time limit; whatever interrupts the wait stops it."""
    with log.path.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable if command[0] == "python" else command[0], *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**environment, PARENT_VARIABLE: str(os.getpid())},
        )
    started = time.monotonic()
    try:
        while process.poll() is None:
            if time.monotonic() - started > limit_seconds:
                stop(process)
                return Ended(process.returncode, time.monotonic() - started, timed_out=True)
            time.sleep(_POLL_SECONDS)
            log.repeat()
    except BaseException:
        stop(process)
        raise
    finally:
        log.repeat()
    return Ended(process.returncode, time.monotonic() - started, timed_out=False)


def refuse_failure(ended: Ended, what: str, limit_minutes: int) -> None:
    """Raise `BuildError` where a command did not succeed; `what` begins the sentence."""
    if ended.timed_out:
        raise BuildError(f"{what} were stopped after the time limit of {limit_minutes} minutes.")
    if ended.exit_code != 0:
        raise BuildError(f"{what} failed (exit code {ended.exit_code}).")
