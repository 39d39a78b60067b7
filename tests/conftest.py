"""What tests of every area share: documents to plans, and golden files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Machines differ in speed: how long one example takes says nothing about whether it is right.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")

GOLDEN = Path(__file__).parent / "golden"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the `golden` fixture is a golden test: `python3 run.py golden` runs these."""
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker("golden")


def check_golden(name: str, text: str) -> None:
    """Compare with a golden file, or write it where MLOPS_STACKS_GOLDEN is `rewrite` (`python3 run.py golden`)."""
    file = GOLDEN / name
    if os.environ.get("MLOPS_STACKS_GOLDEN") == "rewrite":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{name} is not there yet; write it with `python3 run.py golden`"
    assert text == file.read_text(encoding="utf-8"), f"{name} differs; if that is meant: `python3 run.py golden`"


@pytest.fixture
def golden() -> Any:
    """`golden(name, text)` compares a text with its golden file."""
    return check_golden


def project_of(document: Mapping[str, Any], root: Path, releases: Mapping[str, Mapping[str, str]] | None = None) -> Any:
    """A project of a document that need not be on disk; raises AssertionError with the problems of a bad one."""
    from mlops_stacks.blueprint.assemble import assemble
    from mlops_stacks.project import Project

    blueprint, problems = assemble(dict(document))
    assert blueprint is not None, "\n".join(map(str, problems))
    return Project(blueprint, root / "blueprint.yaml", releases or {})
