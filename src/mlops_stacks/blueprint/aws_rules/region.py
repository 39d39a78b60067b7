"""Regions that there are, and what of the stages is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from mlops_stacks.blueprint.aws_regions import MISSING, REGIONS, SOURCE, TITLES
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Blueprint, Environment
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage

USES: Mapping[tuple[Stage, str], tuple[str, ...]] = {
    (Stage.CONTINUOUS_INTEGRATION, "codepipeline"): ("codebuild", "codepipeline", "codestar-connections"),
    (Stage.PIPELINE_DELIVERY, "codepipeline"): ("codebuild", "codepipeline"),
}
"""Stage and engine -> services that are not in every region. What is everywhere needs no line."""
_ONCE = frozenset({Stage.CONTINUOUS_INTEGRATION, Stage.PIPELINE_DELIVERY, Stage.MODEL_REGISTRY})
"""Stages of the shared scope."""


def broken_regions(blueprint: Blueprint) -> Iterator[Problem]:
    """Regions that nobody knows, and stages whose service is not in their scope's region."""
    for name, environment in ((SHARED, blueprint.shared), *blueprint.environments.items()):
        target = environment.target_on(Platform.AWS)
        if not isinstance(target, AwsTarget):
            continue
        at: FieldPath = (SHARED,) if name == SHARED else ("environments", name)
        if target.region not in REGIONS:
            yield from _unknown(environment, target, at)
        else:
            yield from _missing(name, environment, target.region, at)


BLUEPRINT_RULES = (broken_regions,)


def _unknown(environment: Environment, target: AwsTarget, at: FieldPath) -> Iterator[Problem]:
    where = ("target",) if environment.target is target else ("targets", Platform.AWS.value)
    close = get_close_matches(target.region, sorted(REGIONS), 1)
    yield Problem(
        (*at, *where, "region"),
        f"AWS has no region `{target.region}` ({SOURCE})",
        f"did you mean `{close[0]}`?" if close else "write e.g. `eu-west-1`",
    )


def _missing(name: str, environment: Environment, region: str, at: FieldPath) -> Iterator[Problem]:
    for stage, chosen in environment.settings.stages.items():
        if chosen.platform is not Platform.AWS or (stage in _ONCE) is not (name == SHARED):
            continue
        for service in USES.get((stage, chosen.engine), ()):
            if region in MISSING[service]:
                yield Problem(
                    (*at, "settings", "stages", stage.value),
                    f"{TITLES[service]} is not in {region} ({SOURCE})",
                    _remedy(name, stage),
                )


def _remedy(name: str, stage: Stage) -> str:
    if name == SHARED:
        return "write `shared: {target: …}` with a region that has it, or choose another engine"
    return f"choose another region for {name}, or another engine of {stage}"
