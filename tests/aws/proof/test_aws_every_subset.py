"""Every stage of AWS composes with what it needs and nothing else, and so does every pair, and all but one.

All 1,024 subsets would take an hour; a stage that silently needs another shows in its own smallest subset, and one that
trips over another in a pair.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from aws_walk import ALL, closure, whole, without_unread
from projects import project_of

from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.operations.planning import plan
from mlops_stacks.permissions.assumed import filled

pytestmark = pytest.mark.no_cover  # a hundred plans, whose lines others cover: tracing takes twice the time

STAGES = tuple(whole()["stages"])


def _closed() -> list[tuple[str, ...]]:
    """The smallest subsets that hold no stage, each stage, and each pair; and the largest, with and without each."""
    chosen = [set[str](), *({one} for one in STAGES), *map(set, combinations(STAGES, 2)), set(STAGES)]
    found = {frozenset(closure(subset, whole())) for subset in chosen}
    for one in STAGES:
        rest = set(STAGES) - {one}
        found.add(frozenset(stage for stage in rest if one not in closure({stage}, whole())))
    return sorted((tuple(s for s in STAGES if s in subset) for subset in found), key=lambda each: (len(each), each))


def _document(subset: tuple[str, ...], engine: Engine | None = None) -> dict[str, Any]:
    document = whole(engine)
    document["stages"] = {name: options for name, options in document["stages"].items() if name in subset}
    return without_unread(document)


@pytest.mark.parametrize("subset", _closed(), ids=lambda subset: "+".join(subset) or "none")
def test_a_subset_composes(subset: tuple[str, ...]) -> None:
    planned = plan(filled(project_of(_document(subset), Path("/project"))))
    assert planned.errors == ()
    assert {resource.stage for resource in planned.resources if resource.stage} == set(subset)


@pytest.mark.parametrize("engine", ALL, ids=lambda engine: f"{engine.stage}-{engine.name}")
@pytest.mark.parametrize("size", ["smallest", "whole"])
def test_each_engine_composes(engine: Engine, size: str) -> None:
    subset = tuple(closure({engine.stage.value}, whole(engine))) if size == "smallest" else STAGES
    planned = plan(filled(project_of(_document(subset, engine), Path("/project"))))
    assert planned.errors == ()
    assert engine.stage.value in {resource.stage for resource in planned.resources}


@pytest.mark.parametrize("missing", STAGES)
def test_without_a_stage_that_others_need_they_are_refused_with_the_reason(missing: str) -> None:
    subset = tuple(stage for stage in STAGES if stage != missing)
    blueprint, problems = assemble(_document(subset))
    needing = {stage for stage in subset if missing in closure({stage}, whole())}
    directly = {
        stage
        for stage in subset
        for e in ALL
        if e.stage == stage and e is _default(stage) and missing in {n.value for n in e.needs}
    }
    assert (blueprint is None) == bool(directly)
    assert directly <= needing
    said = {str(problem.path[1]) for problem in problems if f"needs the stage {missing}" in problem.message}
    assert said == directly


def _default(stage: str) -> Engine:
    return next(engine for engine in ALL if engine.stage == stage)
