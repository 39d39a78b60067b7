"""Read logs: the last lines, and what is added to them while one looks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_BLOCK = 65_536
_PAUSE_SECONDS = 0.3


def tail(path: Path, lines: int) -> list[str]:
    """The last `lines` lines of a file; none where it is not there. Reads from the end, however large it is."""
    if lines <= 0:
        return []
    try:
        with path.open("rb") as stream:
            position = stream.seek(0, 2)
            content = b""
            while position > 0 and content.count(b"\n") <= lines:
                step = min(_BLOCK, position)
                position -= step
                stream.seek(position)
                content = stream.read(step) + content
    except FileNotFoundError:
        return []
    return content.decode("utf-8", "replace").splitlines()[-lines:]


class Follower:
    """Reads what is added to a file from now on, also after it was rotated."""

    def __init__(self, path: Path) -> None:
        """Begin at the file's end."""
        self._path = path
        self._rest = b""
        self._inode, self._position = self._place()

    def new_lines(self) -> list[str]:
        """The whole lines since the last call."""
        inode, size = self._place()
        if inode != self._inode or size < self._position:
            self._inode, self._position = inode, 0
        if size == self._position:
            return []
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._position)
                added = stream.read()
        except FileNotFoundError:
            return []
        self._position += len(added)
        *whole, self._rest = (self._rest + added).split(b"\n")
        return [line.decode("utf-8", "replace").rstrip("\r") for line in whole]

    def _place(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_size


def follow(files: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, str]]:
    """Name and line of everything that is added to any of the files, until the caller stops."""
    followers = [(name, Follower(path)) for name, path in files]
    while True:
        for name, follower in followers:
            yield from ((name, line) for line in follower.new_lines())
        time.sleep(_PAUSE_SECONDS)
