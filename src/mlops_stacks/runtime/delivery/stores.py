"""Where packages are kept: in a folder of this machine, or below an S3 URI. Both have the same files.

A package counts once its record is there, which is written last. boto3 is imported when S3 is asked, since a laptop
does without.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from mlops_stacks.runtime.delivery.records import PACKAGE, Package, read_package, read_packages
from mlops_stacks.runtime.errors import RuntimeFault

_S3 = "s3://"
_CLAIM = "claimed"
"""Object by which a build takes a number for itself, before it writes anything else under it."""
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


class StoreError(RuntimeFault):
    """The store of packages cannot be read or written."""


class PackageStore(Protocol):
    """What delivery needs of a store."""

    def packages(self) -> list[Package]:
        """Every package, latest first."""

    def package(self, version: int) -> Package | None:
        """The package of this version, None if there is none."""


def store_at(place: str) -> PackageStore:
    """The store at a path or an S3 URI."""
    return S3Store(place) if place.startswith(_S3) else FolderStore(Path(place))


class FolderStore:
    """Packages in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        """Open the folder; it need not exist yet."""
        self._folder = folder

    def packages(self) -> list[Package]:
        """Every package, latest first."""
        return read_packages(self._folder)

    def package(self, version: int) -> Package | None:
        """The package of this version, None if there is none."""
        return read_package(self._folder, version)


class S3Store:
    """Packages below an S3 URI."""

    def __init__(self, uri: str) -> None:
        """Open `s3://bucket/folder`; nothing is asked yet."""
        self._bucket, _, folder = uri.removeprefix(_S3).partition("/")
        self._prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""

    def packages(self) -> list[Package]:
        """Every package, latest first. Raises `StoreError`."""
        found = (self.package(version) for version in sorted(self._numbers(), reverse=True))
        return [package for package in found if package is not None]

    def package(self, version: int) -> Package | None:
        """The package of this version, None if there is none. Raises `StoreError`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=f"{self._prefix}{version}/{PACKAGE}")
            return Package(**json.loads(answer["Body"].read()))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise self._failed(error) from error
        except BotoCoreError as error:
            raise self._failed(error) from error

    def add(self, make: Callable[[int], Package], files: Mapping[str, bytes]) -> Package:
        """Keep a package under the next free number, which `make` is told. Raises `StoreError`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            package = make(self._claimed_number())
            folder = f"{self._prefix}{package.version}/"
            for name, content in sorted(files.items()):
                self._client().put_object(Bucket=self._bucket, Key=folder + name, Body=content)
            record = json.dumps(asdict(package), indent=2).encode()
            self._client().put_object(Bucket=self._bucket, Key=folder + PACKAGE, Body=record)
        except (BotoCoreError, ClientError) as error:
            raise self._failed(error) from error
        return package

    def _claimed_number(self) -> int:
        """The number after the last one; two builds at once get two numbers."""
        from botocore.exceptions import ClientError

        number = max(self._numbers(), default=0) + 1
        while True:
            try:
                key = f"{self._prefix}{number}/{_CLAIM}"
                self._client().put_object(Bucket=self._bucket, Key=key, Body=b"", IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] not in _TAKEN:
                    raise
                number += 1
            else:
                return number

    def _numbers(self) -> Iterator[int]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"):
                for folder in page.get("CommonPrefixes", ()):
                    name = str(folder["Prefix"]).removeprefix(self._prefix).rstrip("/")
                    if name.isascii() and name.isdigit():
                        yield int(name)
        except (BotoCoreError, ClientError) as error:
            raise self._failed(error) from error

    def _client(self) -> Any:
        import boto3

        return boto3.client("s3")

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(f"the packages in {_S3}{self._bucket}/{self._prefix} cannot be read or written: {error}")
