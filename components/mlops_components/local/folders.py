"""Folders and files of the local platform: made when missing, and never more removed than was made.

A folder that the platform makes carries a small hidden file that says so. Without it a folder is somebody else's, and
its contents are left alone.
"""

import hashlib
import os
import shutil
from pathlib import Path

from mlops_components.local.problems import LocalPlatformError

OWNED = ".mlops-stacks-owned"
"""Name of the file that marks a folder as made by the platform."""


def sha256(content: str) -> str:
    """The hash that tells two contents apart."""
    return hashlib.sha256(content.encode()).hexdigest()


def file_uri(path: Path) -> str:
    """The `file:` URI of an absolute path as fsspec reads it: word for word, nothing percent-encoded."""
    return f"file://{path}"


def make_folder(path: Path) -> None:
    """Make `path` if it is not there, and mark it as ours unless somebody else's files are in it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not any(path.iterdir()):
            (path / OWNED).touch()
    except OSError as error:
        raise _refused("make", path, error) from error


def is_ours(path: Path) -> bool:
    """Whether the platform made the folder at `path`."""
    return (path / OWNED).is_file()


def remove_folder(path: Path, *, with_contents: bool) -> None:
    """Remove the folder at `path` if the platform made it; what others put there stays unless `with_contents`."""
    try:
        if with_contents and is_ours(path):
            _empty(path)
        # The mark goes last but one: a removal that is cut off is taken up where it stopped.
        if path.is_dir() and {child.name for child in path.iterdir()} <= {OWNED}:
            (path / OWNED).unlink(missing_ok=True)
            path.rmdir()
    except OSError as error:
        raise _refused("remove", path, error) from error


def _empty(path: Path) -> None:
    for child in path.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        elif child.name != OWNED:
            child.unlink()


def write_file(path: Path, content: str, mode: int) -> bool:
    """Put `content` at `path` in one step, with permissions `mode`; returns whether anything changed."""
    if file_state(path) == (sha256(content), mode):
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _unfinished(path)
        with open(temporary, "w", encoding="utf-8", newline="", opener=_private) as stream:
            stream.write(content)
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        raise _refused("write", path, error) from error
    return True


def file_state(path: Path) -> tuple[str, int] | None:
    """Hash and permissions of the file at `path`; None if there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode & 0o777
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _refused("read", path, error) from error


def remove_file(path: Path) -> None:
    """Remove the file at `path`, if it is there."""
    try:
        path.unlink(missing_ok=True)
        _unfinished(path).unlink(missing_ok=True)
    except NotADirectoryError:
        return
    except OSError as error:
        raise _refused("remove", path, error) from error


def _unfinished(path: Path) -> Path:
    """Where content stands until it is complete; always the same, so that a kill leaves nothing to be forgotten."""
    return path.with_name(f".{path.name}.unfinished")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _refused(what: str, path: Path, error: OSError) -> LocalPlatformError:
    reason = error.strerror or str(error)
    return LocalPlatformError(
        f"Cannot {what} {path}: {reason}; give your user access to {path.parent}, or move the project elsewhere."
    )
