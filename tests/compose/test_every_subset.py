"""Every subset of stages composes, or is refused with the reason; no stage silently needs another."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from compose import documents
from projects import project_of

from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.blueprint.engines import ENGINES, find_engine
from mlops_stacks.blueprint.vocabulary import COMPOSITION_ORDER, Platform, Stage
from mlops_stacks.compose import program
from mlops_stacks.compose.context import Context
from mlops_stacks.operations.planning import plan

pytestmark = pytest.mark.no_cover  # a thousand plans, whose lines others cover: tracing takes twice the time

BASES = {"aws": documents.aws, "local": documents.local}
"""Of AWS the first three stages; all ten have a walk of their own (tests/aws/proof)."""


def _subsets() -> list[Any]:
    return [
        pytest.param(platform, subset, id=f"{platform}-{'+'.join(subset) or 'none'}")
        for platform, base in BASES.items()
        for subset in chain.from_iterable(
            combinations(base()["stages"], size) for size in range(len(base()["stages"]) + 1)
        )
    ]


@pytest.mark.parametrize(("platform", "subset"), _subsets())
def test_a_subset_composes_or_is_refused_with_the_reason(platform: str, subset: tuple[str, ...]) -> None:
    document = BASES[platform](stages=list(subset), models={"flight_delay": {}})
    for field, written in (("workload", "workload.path"), ("models", "models.flight_delay")):
        if not _is_read(platform, subset, written):
            document.pop(field, None)
    blueprint, problems = assemble(document)
    if blueprint is None:
        for problem in problems:
            stage = problem.path[1]
            assert stage in subset
            assert "needs the stage" in problem.message
            assert problem.message.rsplit(" ", 1)[-1] not in subset
        return
    planned = plan(project_of(document, Path("/project")))
    assert planned.errors == ()
    found = {r.stage for r in planned.resources if r.stage}
    assert found == set(subset)


def _is_read(platform: str, subset: tuple[str, ...], field: str) -> bool:
    engines = (find_engine(Stage(stage), Platform(platform), None) for stage in subset)
    return any(engine.reads_field(field) for engine in engines if engine)


def test_a_subset_whose_needs_are_met_is_never_refused() -> None:
    """Counted by the needs alone, so that a rule which refuses too much is noticed."""
    for platform, base in BASES.items():
        stages = base()["stages"]
        subsets = [each for size in range(len(stages) + 1) for each in combinations(stages, size)]
        composed = [each for each in subsets if _is_composed(platform, each)]
        assert composed == [each for each in subsets if _needs(platform, each) <= set(each)]
        assert len(composed) > 1


def _needs(platform: str, subset: tuple[str, ...]) -> set[str]:
    engines = (find_engine(Stage(stage), Platform(platform), None) for stage in subset)
    return {needed.value for engine in engines if engine for needed in engine.needs}


def _is_composed(platform: str, subset: tuple[str, ...]) -> bool:
    base = BASES[platform]
    document = base(
        stages=list(subset),
        models={"m": {}} if _is_read(platform, subset, "models.m") else {},
        workload=base()["workload"] if _is_read(platform, subset, "workload.path") else None,
    )
    return assemble(document)[0] is not None


def test_a_mapping_reads_only_earlier_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Stage, Stage]] = []
    current: list[Stage] = []
    original = Context.contract

    def contract(self: Context, stage: Stage) -> Any:
        asked.append((current[-1], stage))
        return original(self, stage)

    original_mapping = program.mapping_of

    def noted(stage: Stage, platform: Platform) -> Any:
        def run(context: Context) -> Any:
            current.append(stage)
            return original_mapping(stage, platform)(context)

        return run

    monkeypatch.setattr(Context, "contract", contract)
    monkeypatch.setattr(program, "mapping_of", noted)
    for base in BASES.values():
        plan(project_of(base(), Path("/project"), {"dev": {"flight_delay": "1"}}))
    assert {reader for reader, _ in asked} >= {Stage.EXPERIMENT_TRACKING, Stage.TRAINING_PIPELINE, Stage.SERVING}
    for reader, read in asked:
        assert COMPOSITION_ORDER.index(read) < COMPOSITION_ORDER.index(reader), (reader, read)


def test_every_engine_with_a_component_has_a_mapping() -> None:
    for engine in ENGINES:
        assert not engine.has_component or callable(program.mapping_of(engine.stage, engine.platform))


def test_another_release_changes_the_server() -> None:
    """DESIGN.md, section 4: otherwise a release changes nothing."""
    first, second = (
        next(
            r
            for r in plan(project_of(documents.local(), Path("/project"), {"dev": {"flight_delay": version}})).resources
            if r.name == "serving-flight_delay-server"
        )
        for version in ("1", "2")
    )
    assert first.inputs != second.inputs
    assert first.urn == second.urn


def test_without_a_release_nothing_is_served() -> None:
    planned = plan(project_of(documents.local(models={"flight_delay": {}}), Path("/project")))
    dev = planned.scopes[-1]
    assert dev.outputs["serving"]["endpoints"] == {}
    assert not [r for r in dev.resources if r.type.endswith(":Program")]
