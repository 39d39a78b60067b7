"""What CI 1 leaves on record: builds, and the packages of those that succeeded.

A build and its package bear the same number. A folder whose name is no number is unfinished, and nobody's package.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from mlops_stacks.runtime.run_status import State, now, write_json

BUILD = "build.json"
PACKAGE = "package.json"
LOG = "log.txt"
TEST_REPORT = "tests.xml"
"""The tests' outcome, in JUnit's format."""


class Part(StrEnum):
    """The parts of a build, in order."""

    CHECKOUT = "checkout"
    TESTS = "tests"
    WHEEL = "wheel"
    SMOKE = "smoke"
    PACKAGE = "package"


class Outcome(TypedDict):
    """How many tests there were, and how they ended."""

    tests: int
    failures: int
    """Errors included."""
    skipped: int
    seconds: float


@dataclass
class Build:
    """One judgement of one commit; written to `<builds>/<number>/build.json` whenever it changes."""

    number: int
    folder: str
    commit: str
    branch: str
    part: Part = Part.CHECKOUT
    """What it is at, or where it ended."""
    state: State = State.RUNNING
    pid: int = field(default_factory=os.getpid)
    started: str = field(default_factory=now)
    ended: str | None = None
    error: str | None = None
    tests: Outcome | None = None

    @property
    def log(self) -> Path:
        """What the build said."""
        return Path(self.folder) / LOG

    def write(self) -> None:
        """Write it whole, in place of the last one."""
        write_json(Path(self.folder) / BUILD, asdict(self))


@dataclass(frozen=True)
class Package:
    """A versioned pipeline package: the workload's wheel, the pipelines it was tried in, and how the tests ended."""

    version: int
    blueprint: str
    commit: str
    branch: str
    created: str
    entry_point: str | None
    wheel: str
    """File name."""
    sha256: str
    """Of the wheel."""
    tests: Outcome | None
    """None where the tests wrote no report in JUnit's format."""
    models: Mapping[str, Mapping[str, float]]
    """Model -> metrics of its smoke model, by which nobody should judge the model."""
    settings: str
    """Hash of the settings under which it was built."""
    image: str | None = None
    """Image that was built of it, by its digest; None where it runs without one."""


def read_builds(builds: Path) -> list[dict[str, Any]]:
    """Every build in the folder `builds` as `Build` has it, latest first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in builds.glob(f"*/{BUILD}")]
    return sorted(found, key=lambda build: int(build["number"]), reverse=True)


def read_packages(packages: Path) -> list[Package]:
    """Every package in the folder `packages`, latest first."""
    found = (_read_package(packages / str(number)) for number in numbers(packages))
    return sorted((package for package in found if package), key=lambda package: package.version, reverse=True)


def read_package(packages: Path, version: int) -> Package | None:
    """The package of this version, None if there is none."""
    return _read_package(packages / str(version))


def _read_package(folder: Path) -> Package | None:
    record = folder / PACKAGE
    return Package(**json.loads(record.read_text(encoding="utf-8"))) if record.exists() else None


def numbers(folder: Path) -> Iterator[int]:
    """The names of folders that are numbers."""
    if folder.is_dir():
        yield from (int(path.name) for path in folder.iterdir() if path.name.isascii() and path.name.isdigit())


def file_sha256(path: Path) -> str:
    """The hash of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
