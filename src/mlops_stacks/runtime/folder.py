"""A folder that belongs to one run, on whatever file system its URI names."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mlops_stacks.runtime.errors import RuntimeFault, SettingsError

if TYPE_CHECKING:
    import pandas as pd


class MissingFileError(RuntimeFault):
    """A file that an earlier step leaves is not there."""

    exit_code = 2


def file_system(uri: str) -> tuple[Any, str]:
    """The fsspec file system of `uri`, and the path in it.

    Raises `SettingsError` where the scheme is unknown or its library is not installed.
    """
    try:
        fs, path = fsspec.core.url_to_fs(uri)
    except (ValueError, ImportError) as error:
        raise SettingsError(f"the URI `{uri}` cannot be opened: {error}.") from error
    return fs, str(path)


def make_folder(fs: Any, path: str) -> None:
    """Make a folder and those above it, where files need one.

    A store of objects has no folders: there this would look for the bucket, or even make it, which nobody here may do.
    """
    if isinstance(fs, LocalFileSystem):
        fs.makedirs(path, exist_ok=True)


def read_bytes(uri: str) -> bytes:
    """The content of one file. Raises `SettingsError` where it cannot be read."""
    fs, path = file_system(uri)
    try:
        return cast(bytes, fs.cat_file(path))
    except OSError as error:
        reason = error.strerror or "not found"
        raise SettingsError(f"the file {uri} cannot be read: {reason}.") from error


class RunFolder:
    """Reads and writes the files of one run. A write is seen whole or not at all, so a killed step leaves no half."""

    def __init__(self, uri: str) -> None:
        """Open the folder; it need not exist yet."""
        self.uri = uri.rstrip("/")
        self._fs, self._root = file_system(self.uri)
        self._local = isinstance(self._fs, LocalFileSystem)

    @property
    def run_id(self) -> str:
        """The folder's own name."""
        return self._root.rstrip("/").rsplit("/", 1)[-1]

    def location(self, name: str) -> str:
        """The URI of a file or folder in here."""
        return f"{self.uri}/{name}"

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of this name."""
        return bool(self._fs.exists(self._path(name)))

    def names(self, folder: str, suffix: str) -> list[str]:
        """The names, without `suffix`, of the files in `folder` that end with it, sorted."""
        if not self.exists(folder):
            return []
        found = (str(path).rsplit("/", 1)[-1] for path in self._fs.ls(self._path(folder), detail=False))
        return sorted(name.removesuffix(suffix) for name in found if name.endswith(suffix))

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON document."""
        self._write(name, json.dumps(value, indent=2, sort_keys=True, default=str).encode())

    def read_json(self, name: str) -> Any:
        """Read a JSON document. Raises `MissingFileError` where there is none."""
        return json.loads(self._read(name))

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Write a table as Parquet, its index dropped."""
        import io

        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False, compression="zstd")
        self._write(name, buffer.getvalue())

    def read_frame(self, name: str) -> pd.DataFrame:
        """Read a table. Raises `MissingFileError` where there is none."""
        import io

        import pandas as pd

        return pd.read_parquet(io.BytesIO(self._read(name)))

    def put_file(self, source: Path, name: str) -> str:
        """Put a local file here as `name`; returns its URI."""
        path = self._path(name)
        if self._local:
            make_folder(self._fs, path.rsplit("/", 1)[0])
            part = f"{path}.part-{os.getpid()}"
            shutil.copyfile(source, part)
            Path(part).replace(path)
        else:
            self._fs.put_file(str(source), path)
        return self.location(name)

    def put_folder(self, source: Path, name: str) -> None:
        """Put the files of a local folder here as `name`, instead of what is there."""
        target = self._path(name)
        if self._fs.exists(target):
            self._fs.rm(target, recursive=True)
        for path in sorted(source.rglob("*")):
            if path.is_file():
                self._write(f"{name}/{path.relative_to(source).as_posix()}", path.read_bytes())

    @contextmanager
    def local_folder(self, name: str) -> Iterator[Path]:
        """A local path with the files of the folder `name`; a copy, gone afterwards, where the URI is not local."""
        if not self.exists(name):
            raise self._missing(name)
        if self._local:
            yield Path(self._path(name))
            return
        with tempfile.TemporaryDirectory() as scratch:
            target = Path(scratch) / "copy"
            self._fs.get(self._path(name) + "/", f"{target}/", recursive=True)
            yield target

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _missing(self, name: str) -> MissingFileError:
        return MissingFileError(f"the run folder {self.uri} has no `{name}`: run the step that writes it first.")

    def _read(self, name: str) -> bytes:
        try:
            return cast(bytes, self._fs.cat_file(self._path(name)))
        except FileNotFoundError as error:
            raise self._missing(name) from error

    def _write(self, name: str, content: bytes) -> None:
        """Objects of a store appear whole by nature; a local file is renamed into place."""
        path = self._path(name)
        if not self._local:
            self._fs.pipe_file(path, content)
            return
        make_folder(self._fs, path.rsplit("/", 1)[0])
        part = f"{path}.part-{os.getpid()}"
        Path(part).write_bytes(content)
        Path(part).replace(path)
