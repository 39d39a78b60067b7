"""Starts a command as a process group of its own, waits with a time limit, and never leaves one behind."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PARENT_VARIABLE = "MLOPS_STACKS_PARENT"
"""Process id of the parent without which a command of the runtime must not live on."""

_GRACE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: `exit_code` is negative for the signal that killed it."""

    exit_code: int
    seconds: float
    timed_out: bool


def runtime_command(*arguments: str) -> list[str]:
    """A command of this runtime, by the interpreter that runs now."""
    return [sys.executable, "-m", "mlops_stacks.runtime", *arguments]


def start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; its output is added to the file `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment: Mapping[str, str] = {**os.environ, PARENT_VARIABLE: str(os.getpid())}
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )


def wait(process: subprocess.Popen[bytes], limit_seconds: float) -> Ended:
    """Wait for its end; after the limit the process and its children are stopped.

    Whatever interrupts the wait (a signal, Ctrl-C) stops them as well.
    """
    started = time.monotonic()
    try:
        process.wait(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        stop(process)
        return Ended(process.returncode, time.monotonic() - started, timed_out=True)
    except BaseException:
        stop(process)
        raise
    return Ended(process.returncode, time.monotonic() - started, timed_out=False)


def stop(process: subprocess.Popen[bytes], grace_seconds: float = _GRACE_SECONDS) -> None:
    """Ask the process group to end; kill what has not within `grace_seconds`."""
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(timeout=grace_seconds)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Only while the leader has not been waited for: until then nobody else can have its number."""
    if process.poll() is None:
        os.killpg(process.pid, number)


def die_with_parent() -> None:
    """If a parent asked for it: end when it ends, even by `kill -9`. Linux only; elsewhere it does nothing."""
    wanted = os.environ.pop(PARENT_VARIABLE, None)
    if wanted is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(wanted):
        # It died between starting us and the line above.
        sys.exit(1)
