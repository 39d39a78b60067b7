"""Whole files: those that are right load, and those that are wrong say exactly what their first lines expect."""

from __future__ import annotations

from pathlib import Path

import pytest
from blueprint_cases import ERRORS, HAPPY, fixed_components, sentence

from mlops_stacks.blueprint.loading import load
from mlops_stacks.blueprint.problems import BlueprintError

__all__ = ["fixed_components"]
pytestmark = pytest.mark.usefixtures("fixed_components")


def name(path: Path) -> str:
    return path.name.removesuffix(".yaml")


@pytest.mark.parametrize("path", HAPPY, ids=name)
def test_happy(path: Path) -> None:
    loaded = load(path)
    assert loaded.root == path.parent
    assert list(loaded.blueprint.environments)


@pytest.mark.parametrize("path", ERRORS, ids=name)
def test_error(path: Path) -> None:
    expected = [
        line.removeprefix("# expect: ") for line in path.read_text().splitlines() if line.startswith("# expect: ")
    ]
    with pytest.raises(BlueprintError) as refused:
        load(path)
    assert [sentence(problem) for problem in refused.value.problems] == expected
    assert {problem.file for problem in refused.value.problems} == {str(path)}


def test_there_are_enough_files() -> None:
    assert len(HAPPY) >= 10
    assert len(ERRORS) >= 45
