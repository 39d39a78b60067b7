"""One run at a time for each stack: an flock on a file beside the state, which the kernel lifts when the run dies."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mlops_stacks.executors.embedded.errors import StackBusyError, StateError


class Lock:
    """A lock that is held."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def remove(self) -> None:
        """Take the file away at the end of the run; whoever opened it before will see that it is gone and retry."""
        self._path.unlink(missing_ok=True)


@contextmanager
def held(path: Path, stack: str) -> Iterator[Lock]:
    """Hold the lock; `StackBusyError` says at once who holds it and since when, `StateError` that it cannot be had."""
    descriptor = _acquire(path, stack)
    try:
        yield Lock(path)
    finally:
        os.close(descriptor)


def _acquire(path: Path, stack: str) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(unwritable(path.parent, error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 1000, 0)
            os.close(descriptor)
            raise StackBusyError(
                f"stack {stack} is in use by {_described(holder)}; wait until it has ended, then try again"
            ) from None
        if _is_current(descriptor, path):
            _sign(descriptor)
            return descriptor
        os.close(descriptor)


def unwritable(folder: Path, error: OSError) -> str:
    """Say that the state folder cannot be used."""
    return (
        f"the state folder {folder} cannot be written ({error.strerror}); give yourself the right to write there, "
        "free some space, or choose another folder"
    )


def _is_current(descriptor: int, path: Path) -> bool:
    # The run that held the lock may have removed the file after we opened it: then we hold a lock that nobody sees.
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    since = datetime.now(UTC).astimezone().isoformat(sep=" ", timespec="seconds")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "since": since}).encode(), 0)


def _described(content: bytes) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} since {holder['since']}"
    except (ValueError, TypeError, KeyError):
        # It has the lock and has not signed yet: the two calls are microseconds apart.
        return "another process that has just started"
