"""What training pipelines on AWS cannot do as it is written."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_components.spec.aws_schedules import ScheduleError, aws_cron
from mlops_components.spec.monitor_images import CLARIFY
from mlops_components.spec.training_machines import MachineError, instance_type
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation, SkipBucket
from mlops_stacks.blueprint.aws_stages.training import AwsTraining, SageMakerTraining
from mlops_stacks.blueprint.model import Pipeline
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Blueprint, SecretFromManager, Settings
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform

_NUMBERS = 1, 100
"""Trials of a tuning job, and how many of them run at once (SageMaker's quotas leave the latter to the account)."""


def broken_training(settings: Settings) -> Iterator[Problem]:
    """Schedules that AWS has no words for, triggers that would chase their own tail, tuning of nothing."""
    chosen = settings.stages.training_pipeline
    if not isinstance(chosen, AwsTraining):
        return
    for name, model in settings.models.items():
        at: FieldPath = ("models", name, "pipeline")
        yield from _broken_schedule(model.pipeline, at)
        yield from _broken_triggers(settings, chosen, model.pipeline, at)
        yield from _broken_tuning(model.pipeline, at)
        yield from _broken_compute(model.pipeline, at)
    for variable, secret in settings.secrets.items():
        if not isinstance(secret, SecretFromManager):
            yield Problem(
                ("secrets", variable, "source"),
                "steps on AWS run where neither your environment nor your files are",
                "write `source: manager` with the `name` of a secret in Secrets Manager",
            )


def _broken_schedule(pipeline: Pipeline, at: FieldPath) -> Iterator[Problem]:
    cron = pipeline.schedule["cron"] if pipeline.schedule else ""
    # What is no crontab at all is said by the rule that every platform has.
    if len(cron.split()) != 5:
        return
    try:
        aws_cron(cron)
    except ScheduleError as error:
        message, _, fix = str(error).rstrip(".").partition("; ")
        yield Problem((*at, "schedule", "cron"), message, fix)


def _broken_compute(pipeline: Pipeline, at: FieldPath) -> Iterator[Problem]:
    try:
        instance_type(pipeline.compute or {})
    except MachineError as error:
        message, _, fix = str(error).rstrip(".").partition("; ")
        yield Problem((*at, "compute"), message, fix)


def _broken_triggers(settings: Settings, chosen: AwsTraining, pipeline: Pipeline, at: FieldPath) -> Iterator[Problem]:
    triggers = pipeline.triggers
    for field in ("folder", "marker"):
        if getattr(triggers, field) is not None and not triggers.new_data:
            yield Problem(
                (*at, "triggers", field), "new data starts nothing here", "write `new_data: true`, or remove it"
            )
    if not triggers.new_data:
        return
    if isinstance(chosen, SageMakerTraining) and chosen.cache_hours is not None:
        yield Problem(
            (*at, "triggers", "new_data"),
            "a run within `cache_hours` of another takes over the old data instead of the new",
            "remove `cache_hours` of the stage training_pipeline, or `new_data`",
        )
    foundation = settings.stages.foundation
    if (
        triggers.folder is None
        and isinstance(foundation, AwsFoundation)
        and isinstance(foundation.data_bucket, SkipBucket)
    ):
        yield Problem(
            (*at, "triggers", "new_data"),
            "data lies in the artifacts bucket, together with what runs themselves write",
            "write `folder` to say which data counts, or give data a bucket of its own",
        )
    for other, model in settings.models.items():
        written = model.batch.output.strip("/") if model.batch else None
        if written and triggers.folder and f"{written}/".startswith(f"{triggers.folder.strip('/')}/"):
            yield Problem(
                (*at, "triggers", "folder"),
                f"the predictions of {other} are written there, and would start a run each time",
                "write another folder here, or as the `output` of its batch",
            )


def _broken_tuning(pipeline: Pipeline, at: FieldPath) -> Iterator[Problem]:
    tuning = pipeline.tuning
    if tuning is None:
        return
    tried = [one["parameter"] for one in (*tuning.get("ranges", []), *tuning.get("choices", []))]
    if not tried:
        yield Problem((*at, "tuning"), "it names no parameter to try", "write `ranges` or `choices`")
    for twice in sorted({name for name in tried if tried.count(name) > 1}):
        yield Problem((*at, "tuning"), f"the parameter `{twice}` is named twice", "name it once")
    for position, one in enumerate(tuning.get("ranges", [])):
        if one["minimum"] >= one["maximum"]:
            yield Problem(
                (*at, "tuning", "ranges", position, "minimum"),
                f"minimum {one['minimum']:g} is not less than maximum {one['maximum']:g}",
                "make it less",
            )
        elif one.get("scale") == "logarithmic" and one["minimum"] <= 0:
            yield Problem(
                (*at, "tuning", "ranges", position, "scale"),
                "a logarithmic scale takes numbers above zero only",
                "write a larger minimum, or `scale: linear`",
            )
    low, high = _NUMBERS
    for field in ("trials", "at_once"):
        number = tuning.get(field)
        if isinstance(number, int) and not low <= number <= high:
            yield Problem((*at, "tuning", field), f"{number} is not from {low} to {high}", "write a number in between")


def broken_regions(blueprint: Blueprint) -> Iterator[Problem]:
    """Bias checks in regions that have no Clarify."""
    for name, environment in blueprint.environments.items():
        target, settings = environment.target_on(Platform.AWS), environment.settings
        if not isinstance(target, AwsTarget) or not isinstance(settings.stages.training_pipeline, SageMakerTraining):
            continue
        for model, config in settings.models.items():
            if config.pipeline.bias_check is not None and target.region not in CLARIFY:
                yield Problem(
                    ("environments", name, "settings", "models", model, "pipeline", "bias_check"),
                    f"SageMaker Clarify, which checks bias, is not in {target.region}",
                    "remove it, or write another region",
                )


SETTINGS_RULES = (broken_training,)
BLUEPRINT_RULES = (broken_regions,)
