"""A few subsets of the stages, each with a life of its own, by the code of the soak: benchmarks/every_subset.py."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# What else stands alone has its own tests: tracking in those of the workbench, training and delivery in theirs.
ALONE = ("foundation", "feature_store", "workbench", "continuous_integration", "model_registry", "monitoring")


@pytest.fixture(scope="module")
def soak() -> Any:
    """benchmarks/every_subset.py, which finds what is beside it."""
    before = list(sys.path)
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import every_subset  # type: ignore[import-not-found,unused-ignore]
    finally:
        sys.path[:] = before
    return every_subset


@pytest.fixture(scope="module")
def smallest(soak: ModuleType) -> dict[str, dict[str, Any]]:
    """Stage -> the blueprint with the fewest stages that has it."""
    found: dict[str, dict[str, Any]] = {}
    for document in soak.documents():  # those of few stages come first
        for stage in document["stages"]:
            found.setdefault(stage, document)
        if found.keys() >= set(ALONE):
            break
    return found


@pytest.mark.parametrize("stage", ALONE)
def test_a_stage_with_only_what_it_needs_comes_up_twice_and_goes(
    soak: ModuleType, smallest: dict[str, dict[str, Any]], stage: str
) -> None:
    assert len(smallest[stage]["stages"]) <= 4
    assert soak.live(smallest[stage]) > 0
