"""A wheel, unpacked into a folder of its own that can be put on the import path."""

import hashlib
import shutil
import zipfile
from pathlib import Path

from mlops_components.local.folders import remove_file, write_file
from mlops_components.local.problems import LocalPlatformError

_MARK = ".mlops-stacks-wheel"
"""File of the folder that holds the hash of the wheel which was unpacked; it is there only if all of it was."""


def unpack(wheel: Path, sha256: str, folder: Path) -> None:
    """Have the content of `wheel` in `folder`, if its hash is the one that was asked for."""
    if unpacked(folder) == sha256:
        return
    _refuse_another(wheel, sha256)
    remove(folder)
    unfinished = _unfinished(folder)
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unfinished)
        write_file(unfinished / _MARK, sha256, 0o600)
        unfinished.replace(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise LocalPlatformError(f"The wheel {wheel} cannot be unpacked into {folder}: {error}.") from error


def unpacked(folder: Path) -> str | None:
    """The hash of the wheel whose content is in `folder`; None if there is none, or not all of one."""
    try:
        return (folder / _MARK).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None


def remove(folder: Path) -> None:
    """Remove the folder; the mark goes first, so that what a cut-off removal leaves is no package."""
    remove_file(folder / _MARK)
    for path in (folder, _unfinished(folder)):
        if path.is_dir():
            shutil.rmtree(path)


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.unfinished")


def _refuse_another(wheel: Path, sha256: str) -> None:
    try:
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as error:
        raise LocalPlatformError(
            f"The delivered package {wheel} is not there ({error.strerror}); push its commit again and deliver the "
            "package that comes of it, or take it back with `mlops-stacks withdraw`."
        ) from error
    if found != sha256:
        raise LocalPlatformError(
            f"The package {wheel} is not the one that was delivered: its hash is {found[:12]}, not {sha256[:12]}; "
            "deliver it anew with `mlops-stacks deliver` if it is the right one."
        )
