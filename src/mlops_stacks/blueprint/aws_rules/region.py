"""Regions that there are, and what of the stages is in them.

What is known to be missing is refused. Where only CloudFormation's registry lacks a type, and something else than
Cloud Control makes the resource, the service may be there all the same: that is said as a caution of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from mlops_stacks.blueprint import aws_region_types as registry
from mlops_stacks.blueprint.aws_regions import MISSING, PARTITIONS_WITHOUT_BUDGETS, REGIONS, SOURCE, TITLES
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.aws_stages.monitoring import SageMakerMonitoring
from mlops_stacks.blueprint.aws_stages.serving import SageMakerServing
from mlops_stacks.blueprint.aws_stages.tracking import SageMakerMlflow
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Blueprint, Environment
from mlops_stacks.blueprint.stage_options import StageOptions
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage

USES: Mapping[tuple[Stage, str], tuple[str, ...]] = {
    (Stage.CONTINUOUS_INTEGRATION, "codepipeline"): ("codebuild", "codepipeline", "codestar-connections"),
    (Stage.PIPELINE_DELIVERY, "codepipeline"): ("codebuild", "codepipeline"),
}
"""Stage and engine -> services that are not in every region. What is everywhere needs no line."""

BY_CLOUD_CONTROL: Mapping[tuple[Stage, str], str] = {
    (Stage.EXPERIMENT_TRACKING, "sagemaker_experiments"): "AWS::SageMaker::Experiment",
}
"""Stage and engine -> type that Cloud Control makes. Those of monitors are a matter of their kinds (`monitoring`)."""

MADE_OTHERWISE: Mapping[tuple[Stage, str], tuple[str, ...]] = {
    (Stage.FEATURE_STORE, "sagemaker"): ("AWS::SageMaker::FeatureGroup",),
    (Stage.WORKBENCH, "sagemaker_studio"): ("AWS::SageMaker::Domain", "AWS::SageMaker::UserProfile"),
    (Stage.MODEL_REGISTRY, "sagemaker"): ("AWS::SageMaker::ModelPackageGroup", "AWS::SageMaker::ModelCard"),
    (Stage.SERVING, "sagemaker"): ("AWS::SageMaker::EndpointConfig",),
    (Stage.SERVING, "lambda"): ("AWS::Lambda::Url",),
}
"""Stage and engine -> types that the registry does not know everywhere. Those of MLflow are a matter of its flavour."""

_ONCE = frozenset({Stage.CONTINUOUS_INTEGRATION, Stage.PIPELINE_DELIVERY, Stage.MODEL_REGISTRY})
"""Stages of the shared scope."""


def broken_regions(blueprint: Blueprint) -> Iterator[Problem]:
    """Regions that nobody knows, and stages whose service is not in their scope's region."""
    for name, environment, target, at in _targets(blueprint):
        if target.region not in REGIONS:
            yield from _unknown(environment, target, at)
            continue
        for stage, chosen in _stages(name, environment):
            yield from _missing(name, stage, chosen, target.region, (*at, "settings", "stages", stage.value))


def unproven_regions(blueprint: Blueprint) -> Iterator[Problem]:
    """Stages in regions where nothing proves that their service is."""
    for name, environment, target, at in _targets(blueprint):
        for stage, chosen in _stages(name, environment):
            types = [each for each in _types(stage, chosen, environment) if target.region in registry.WITHOUT[each]]
            if types:
                yield Problem(
                    (*at, "stages", stage.value),
                    f"that AWS has this in {target.region} is unproven: {' and '.join(types)} "
                    f"{'is' if len(types) == 1 else 'are'} not in {registry.SOURCE}",
                    "try it in an account before you rely on it, or choose another region",
                )


BLUEPRINT_RULES = (broken_regions,)
CAUTIONS = (("region-unproven", unproven_regions),)


def _targets(blueprint: Blueprint) -> Iterator[tuple[str, Environment, AwsTarget, FieldPath]]:
    for name, environment in ((SHARED, blueprint.shared), *blueprint.environments.items()):
        target = environment.target_on(Platform.AWS)
        if isinstance(target, AwsTarget):
            yield name, environment, target, (SHARED,) if name == SHARED else ("environments", name)


def _stages(name: str, environment: Environment) -> Iterator[tuple[Stage, StageOptions]]:
    """The stages on AWS that are in this scope."""
    for stage, chosen in environment.settings.stages.items():
        if chosen.platform is Platform.AWS and (stage in _ONCE) is (name == SHARED):
            yield stage, chosen


def _types(stage: Stage, chosen: StageOptions, environment: Environment) -> tuple[str, ...]:
    if isinstance(chosen, SageMakerMlflow):
        return ("AWS::SageMaker::MlflowApp" if chosen.flavour == "app" else "AWS::SageMaker::MlflowTrackingServer",)
    if isinstance(chosen, SageMakerMonitoring):
        monitored = chosen.data_quality or chosen.model_quality or chosen.bias or chosen.explainability
        served = isinstance(environment.settings.stages.serving, SageMakerServing)
        return ("AWS::SageMaker::MonitoringSchedule",) if monitored and served else ()
    return MADE_OTHERWISE.get((stage, chosen.engine), ())


def _unknown(environment: Environment, target: AwsTarget, at: FieldPath) -> Iterator[Problem]:
    where = ("target",) if environment.target is target else ("targets", Platform.AWS.value)
    close = get_close_matches(target.region, sorted(REGIONS), 1)
    yield Problem(
        (*at, *where, "region"),
        f"AWS has no region `{target.region}` ({SOURCE})",
        f"did you mean `{close[0]}`?" if close else "write e.g. `eu-west-1`",
    )


def _missing(name: str, stage: Stage, chosen: StageOptions, region: str, at: FieldPath) -> Iterator[Problem]:
    for service in USES.get((stage, chosen.engine), ()):
        if region in MISSING[service]:
            yield Problem(at, f"{TITLES[service]} is not in {region} ({SOURCE})", _remedy(name, stage))
    made = BY_CLOUD_CONTROL.get((stage, chosen.engine))
    if made and region in registry.WITHOUT[made]:
        yield Problem(
            at,
            f"Cloud Control, which would make it, knows no {made} in {region} ({registry.SOURCE})",
            _remedy(name, stage),
        )
    if isinstance(chosen, AwsFoundation) and chosen.budget and region.startswith(PARTITIONS_WITHOUT_BUDGETS):
        yield Problem(
            (*at, "budget"),
            f"AWS Budgets is not in the partition of {region} ({SOURCE})",
            "remove it; the account that pays for this one can watch its costs",
        )


def _remedy(name: str, stage: Stage) -> str:
    if name == SHARED:
        return "write `shared: {target: …}` with a region that has it, or choose another engine"
    return f"choose another region for {name}, or another engine of {stage}"
