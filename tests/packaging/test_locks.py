"""The locks: complete, hashed, consistent with each other, and free of hosts and paths."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "locks").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
FULL = ("runtime", "local", "features", "workbench", "drift", "ci")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(name: str) -> dict[str, set[str]]:
    """Package -> versions; a package may have one for each platform or Python."""
    found: dict[str, set[str]] = {}
    for package, version in PIN.findall((ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")):
        found.setdefault(canonicalize_name(package), set()).add(version)
    return found


def required(extras: tuple[str, ...], groups: tuple[str, ...]) -> list[Requirement]:
    """Direct requirements, but for those on the project itself."""
    texts = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        texts += PROJECT["project"]["optional-dependencies"][extra]
    for group in groups:
        texts += PROJECT["dependency-groups"][group]
    return [r for r in map(Requirement, texts) if r.name != PROJECT["project"]["name"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_host_no_path_and_no_option(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = [re.sub(r";.*", "", line).strip(" \\") for line in text.splitlines()]
    assert lines
    for line in lines:
        assert PIN.fullmatch(line) or re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_package_has_a_hash(file: Path) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize(
    ("name", "extras", "groups"),
    [
        ("dev", (*FULL, "aws", "aws-runtime"), ("example", "dev", "build")),
        ("local", ("runtime", "local"), ("example", "build")),
        ("local-full", FULL, ("example", "build")),
    ],
)
def test_every_requirement_is_locked_as_it_is_asked_for(
    name: str, extras: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    locked = pins(name)
    for requirement in required(extras, groups):
        versions = locked.get(canonicalize_name(requirement.name))
        assert versions, f"locks/{name}.txt lacks {requirement}: `python3 run.py lock`"
        assert all(requirement.specifier.contains(Version(v), prereleases=True) for v in versions), requirement


def test_what_a_newcomer_gets_is_what_was_tested() -> None:
    dev, local = pins("dev"), pins("local")
    assert {name: versions for name, versions in local.items() if dev.get(name) != versions} == {}


def test_a_newcomer_to_the_laptop_installs_no_cloud() -> None:
    assert not [name for name in pins("local") if name.startswith("pulumi-")]


def test_no_lock_that_names_hosts_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "uv.lock" not in listed.split()
