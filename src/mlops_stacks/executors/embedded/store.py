"""The state file of a stack: read once, written after every change, so that no kill can lose or tear it.

A write goes to a temporary file in the same folder, is synced, and takes the file's place by rename; the file before
it stays as `.bak`. Changes that arrive while a write is under way share the next one.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_stacks.executors.embedded.errors import CorruptStateError, StateError
from mlops_stacks.executors.embedded.lock import unwritable
from mlops_stacks.executors.embedded.state import NewerFormatError, State, decode, encode


def state_path(folder: Path, stack: str) -> Path:
    """Where the state of a stack is kept."""
    return folder / f"{stack}.json"


def read(path: Path) -> State | None:
    """The state in a file, None if there is none; `CorruptStateError` leaves the file alone and keeps a copy aside."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"the state file {path} cannot be read ({error.strerror}); mend that and try again") from error
    try:
        return decode(content)
    except NewerFormatError as error:
        raise StateError(
            f"the state file {path} was written by a newer release (format {error}); upgrade mlops-stacks"
        ) from error
    except ValueError as error:
        raise CorruptStateError(_corrupt(path, content, error)) from error


class Store:
    """The state in memory and its file. The caller holds the stack's lock; threads may share a store."""

    def __init__(self, path: Path, state: State) -> None:
        self._path = path
        self._state = state
        self._mutex = threading.Lock()
        self._writing = threading.Lock()
        self._changed = 0
        self._written = 0

    @contextmanager
    def edit(self) -> Iterator[State]:
        """The state, to change it; nobody else sees or changes it meanwhile. `commit` makes the change last."""
        with self._mutex:
            self._changed += 1
            yield self._state

    @contextmanager
    def look(self) -> Iterator[State]:
        """The state, to read it; nobody changes it meanwhile."""
        with self._mutex:
            yield self._state

    def commit(self) -> None:
        """Return when every change made so far is safely in the file."""
        with self._mutex:
            wanted = self._changed
        with self._writing:
            if self._written >= wanted:
                return
            with self._mutex:
                content, changed = encode(self._state), self._changed
            self._write(content)
            self._written = changed

    def remove(self) -> None:
        """Take the file and its backup away: nothing of the stack is left."""
        for path in (self._path, self._backup, self._temporary):
            path.unlink(missing_ok=True)
        _sync_folder(self._path.parent)

    @property
    def _backup(self) -> Path:
        return backup_of(self._path)

    @property
    def _temporary(self) -> Path:
        return self._path.with_name(f"{self._path.name}.tmp")

    def _write(self, content: bytes) -> None:
        try:
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._keep_backup()
            self._temporary.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise StateError(unwritable(self._path.parent, error)) from error

    def _keep_backup(self) -> None:
        if not self._path.exists():
            return
        self._backup.unlink(missing_ok=True)
        try:
            self._backup.hardlink_to(self._path)
        except OSError:
            # Some file systems know no hard links.
            shutil.copyfile(self._path, self._backup)


def backup_of(path: Path) -> Path:
    """Where the state before the last write is kept."""
    return path.with_name(f"{path.name}.bak")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _corrupt(path: Path, content: bytes, reason: ValueError) -> str:
    aside = _keep_aside(path, content)
    remedy = f"or remove {path.name} if nothing of this stack is left"
    if _is_good(backup_of(path)):
        remedy = f"the state before the last write is intact: copy {backup_of(path).name} over {path.name}"
    else:
        remedy = f"put a good copy in its place, {remedy}"
    return f"the state file {path} is damaged ({reason}), and was left as it is with a copy in {aside.name}; {remedy}"


def _keep_aside(path: Path, content: bytes) -> Path:
    number = 1
    while True:
        aside = path.with_name(f"{path.name}.corrupt-{number}")
        try:
            with aside.open("xb") as file:
                file.write(content)
        except FileExistsError:
            if aside.read_bytes() == content:
                return aside
            number += 1
        except OSError as error:
            raise StateError(unwritable(path.parent, error)) from error
        else:
            return aside


def _is_good(path: Path) -> bool:
    try:
        decode(path.read_bytes())
    except (OSError, ValueError, NewerFormatError):
        return False
    return True
