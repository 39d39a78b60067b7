"""What monitoring on AWS cannot do, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from mlops_components.spec.monitor_images import CLARIFY, MODEL_MONITOR
from mlops_components.spec.monitor_schedule import MonitorScheduleError, monitor_schedule
from mlops_stacks.blueprint import aws_region_types as registry
from mlops_stacks.blueprint.aws_stages.monitoring import Problem as Kind
from mlops_stacks.blueprint.aws_stages.monitoring import SageMakerMonitoring
from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.schedules import broken_schedule
from mlops_stacks.blueprint.settings import Blueprint, Environment, Settings
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform

MOST_COUNTED = 10
"""CloudWatch User Guide, "Using metric math": an alarm calculates with at most ten metrics."""

QUALITY_METRICS = {
    Kind.BINARY_CLASSIFICATION: (
        "accuracy",
        "auc",
        "f0_5",
        "f1",
        "f2",
        "precision",
        "recall",
        "true_negative_rate",
        "true_positive_rate",
    ),
    Kind.MULTICLASS_CLASSIFICATION: (
        "accuracy",
        "weighted_f0_5",
        "weighted_f1",
        "weighted_f2",
        "weighted_precision",
        "weighted_recall",
    ),
    Kind.REGRESSION: ("r2",),
}
"""Metrics of Model Monitor of which more is better. Source: SageMaker Developer Guide, "Model quality metrics"."""

_PER_MODEL = ("model_quality", "bias", "explainability")
_AT: FieldPath = ("stages", "monitoring")


def monitoring_rules(settings: Settings) -> Iterator[Problem]:
    """What the models and the options ask for that cannot be had together."""
    chosen = settings.stages.monitoring
    if not isinstance(chosen, SageMakerMonitoring):
        return
    yield from _known_models(settings, chosen)
    yield from _answers_on_fargate(settings)
    for name, model in settings.models.items():
        why = _not_captured(settings, name)
        if why is None:
            yield from _of_model(name, model, chosen)
        else:
            yield from _without_capture(name, model, chosen, why)


def _answers_on_fargate(settings: Settings) -> Iterator[Problem]:
    serving = settings.stages.serving
    if serving is None or serving.platform is not Platform.AWS or serving.engine != "ecs":
        return
    for name, model in settings.models.items():
        for field in ("error_rate_percent", "latency_p99_ms"):
            if model.monitoring and field in model.monitoring.model_fields_set:
                yield Problem(
                    ("models", name, "monitoring", field),
                    "of a service on Fargate only the load is watched for good; its answers are while it is rolled out",
                    "remove it, and write `rollout.rollback` for the limits of a release",
                )


def _not_captured(settings: Settings, name: str) -> str | None:
    """Why no monitor can watch a model: they read what endpoints of SageMaker capture. None: one can."""
    serving: Any = settings.stages.serving
    if serving is None:
        return None
    if serving.platform is not Platform.AWS or serving.engine != "sagemaker":
        return f"monitors read what endpoints of SageMaker capture, and `{serving.engine}` serves here"
    mode = serving.modes.get(name, serving.mode)
    if mode != "instances":
        return f"monitors read what endpoints of SageMaker capture, and those of the mode `{mode}` capture nothing"
    return None


def _known_models(settings: Settings, chosen: SageMakerMonitoring) -> Iterator[Problem]:
    for option in _PER_MODEL:
        for name, watch in getattr(chosen, option).items():
            if name not in settings.models:
                close = get_close_matches(name, settings.models, 1)
                fix = f"did you mean `{close[0]}`?" if close else f"write one of {', '.join(sorted(settings.models))}"
                yield Problem((*_AT, option, name), f"there is no model `{name}`", fix)
            facet = getattr(watch, "facet", None)
            if facet is not None and facet not in watch.columns:
                close = get_close_matches(facet, watch.columns, 1)
                fix = f"did you mean `{close[0]}`?" if close else "write one of its `columns`"
                yield Problem((*_AT, option, name, "facet"), f"`{facet}` is none of the columns", fix)


def _without_capture(name: str, model: ModelConfig, chosen: SageMakerMonitoring, why: str) -> Iterator[Problem]:
    """A function, a container or an endpoint without machines of its own has alarms only."""
    for option in _PER_MODEL:
        if name in getattr(chosen, option):
            yield Problem((*_AT, option, name), why, "remove it, or serve the model by SageMaker's `instances`")
    if model.retraining and model.retraining.on_drift:
        fix = "write `on_drift: false`, or serve the model by SageMaker's `instances`"
        yield Problem(("models", name, "retraining", "on_drift"), why, fix)
    for field in ("schedule", "drift", "drifted_features", "minimum_quality"):
        if model.monitoring and field in model.monitoring.model_fields_set:
            fix = "remove it, or serve the model by SageMaker's `instances`"
            yield Problem(("models", name, "monitoring", field), why, fix)


def _of_model(name: str, model: ModelConfig, chosen: SageMakerMonitoring) -> Iterator[Problem]:
    at: FieldPath = ("models", name, "monitoring")
    asked = model.monitoring
    if asked and asked.schedule and not list(broken_schedule(asked.schedule)):
        try:
            monitor_schedule(asked.schedule)
        except MonitorScheduleError as error:
            what, fix = str(error).split("; ", 1)
            yield Problem((*at, "schedule", "cron"), what, fix)
    if asked and asked.drift:
        yield from _counted(at, len(asked.drift), asked.drifted_features)
    if asked and asked.minimum_quality:
        yield from _quality(at, name, sorted(asked.minimum_quality), chosen)
    if model.retraining and model.retraining.on_drift and not chosen.data_quality:
        yield Problem(
            ("models", name, "retraining", "on_drift"),
            "nothing measures drift, because `data_quality` of monitoring is false",
            "let it be true, or write `on_drift: false`",
        )


def _counted(at: FieldPath, named: int, enough: int) -> Iterator[Problem]:
    if named > MOST_COUNTED:
        yield Problem(
            (*at, "drift"),
            f"it names {named} features, and an alarm of CloudWatch counts at most {MOST_COUNTED}",
            f"name the {MOST_COUNTED} that matter most, or none, so that the baseline's own limits count",
        )
    if enough > named:
        yield Problem(
            (*at, "drifted_features"),
            f"it is {enough}, but `drift` names {named} feature{'' if named == 1 else 's'}, and only these are counted",
            f"write at most {named}, or name more features",
        )


def _quality(at: FieldPath, name: str, metrics: list[str], chosen: SageMakerMonitoring) -> Iterator[Problem]:
    watch = chosen.model_quality.get(name)
    if watch is None:
        yield Problem(
            (*at, "minimum_quality"),
            "predictions of this model are not held against labels",
            f"write `model_quality: {{{name}: {{problem: regression}}}}` in the stage monitoring, or remove it",
        )
        return
    known = QUALITY_METRICS[watch.problem]
    for metric in metrics:
        if metric not in known:
            close = get_close_matches(metric, known, 1)
            fix = f"did you mean `{close[0]}`?" if close else f"write one of {', '.join(known)}"
            what = f"Model Monitor measures no `{metric}` of {watch.problem.replace('_', ' ')} that should be high"
            yield Problem((*at, "minimum_quality", metric), what, fix)


def _regions(blueprint: Blueprint) -> Iterator[Problem]:
    for name, environment in blueprint.environments.items():
        for problem in _region(environment):
            yield replace(problem, path=("environments", name, *problem.path))


def _region(environment: Environment) -> Iterator[Problem]:
    """A region without the image that a monitor runs. Paths are from the environment."""
    chosen, target = environment.settings.stages.monitoring, environment.target_on(Platform.AWS)
    serving = environment.settings.stages.serving
    if not isinstance(chosen, SageMakerMonitoring) or not isinstance(target, AwsTarget):
        return
    if serving is not None and serving.engine != "sagemaker":
        return
    wanted = (
        ("data_quality", MODEL_MONITOR, "Model Monitor", "DataQuality"),
        ("model_quality", MODEL_MONITOR, "Model Monitor", "ModelQuality"),
        ("bias", CLARIFY, "Clarify", "ModelBias"),
        ("explainability", CLARIFY, "Clarify", "ModelExplainability"),
    )
    for option, regions, service, kind in wanted:
        made = f"AWS::SageMaker::{kind}JobDefinition"
        if not getattr(chosen, option):
            continue
        if target.region not in regions:
            what = f"no image of {service} is known in {target.region}"
        elif target.region in registry.WITHOUT[made]:
            what = f"Cloud Control, which would make it, knows no {made} in {target.region} ({registry.SOURCE})"
        else:
            continue
        off = "false" if option == "data_quality" else "{}"
        yield Problem(("settings", *_AT, option), what, f"write `{option}: {off}`, or choose another region")


SETTINGS_RULES = (monitoring_rules,)
BLUEPRINT_RULES = (_regions,)
