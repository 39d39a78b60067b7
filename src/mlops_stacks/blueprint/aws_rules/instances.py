"""Machine types of SageMaker that do not exist, or not for what they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import cache

from mlops_components.spec.compute import Compute
from mlops_components.spec.training_machines import for_training_alone
from mlops_stacks.blueprint.aws_rules import instance_table as table
from mlops_stacks.blueprint.aws_stages.monitoring import SageMakerMonitoring
from mlops_stacks.blueprint.aws_stages.serving import SageMakerServing
from mlops_stacks.blueprint.aws_stages.training import AwsTraining
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Settings
from mlops_stacks.blueprint.vocabulary import Stage


class Use(StrEnum):
    """What a machine is for."""

    ENDPOINT = "an endpoint"
    BATCH = "a batch job"
    PROCESSING = "a processing job"
    TRAINING = "a training job"
    NOTEBOOK = "a notebook"


_TABLES: Mapping[Use, table.Families] = {
    Use.ENDPOINT: table.ENDPOINTS,
    Use.BATCH: table.BATCH_JOBS,
    Use.PROCESSING: table.PROCESSING,
    Use.TRAINING: table.TRAINING,
    Use.NOTEBOOK: table.NOTEBOOKS,
}


@cache
def instance_types(use: Use) -> tuple[str, ...]:
    """The machine types that SageMaker's API names for a use, in the order of its own list."""
    return tuple(f"ml.{family}.{size}" for family, sizes in _TABLES[use].items() for size in sizes.split())


@cache
def _offered(use: Use) -> tuple[str, ...]:
    return tuple(machine for machine in instance_types(use) if machine.split(".")[1] not in table.RETIRED)


def broken_instance_type(instance_type: str, use: Use, path: FieldPath) -> Iterator[Problem]:
    """What is wrong with a machine type for a use, if anything."""
    possible = _offered(use)
    if instance_type in possible:
        return
    if instance_type in instance_types(use):
        message, instead = table.RETIRED[instance_type.split(".")[1]]
        yield Problem(path, f"{message}, so there are no more `{instance_type}`", f"write e.g. `{instead}`")
        return
    full = instance_type if instance_type.startswith("ml.") else f"ml.{instance_type}"
    close = get_close_matches(full, possible, 1)
    offer = f"did you mean `{close[0]}`?" if close else "write one such as `ml.m5.xlarge`"
    elsewhere = [other.value for other in Use if other is not use and instance_type in _offered(other)]
    if elsewhere:
        yield Problem(path, f"`{instance_type}` is a machine for {elsewhere[0]}, but not for {use.value}", offer)
    else:
        yield Problem(path, f"SageMaker has no machine `{instance_type}`", offer)


def instance_rules(settings: Settings) -> Iterator[Problem]:
    """Wrong machine types in what SageMaker serves, trains and monitors."""
    yield from _of_serving(settings)
    yield from _of_training(settings)
    monitoring = settings.stages.monitoring
    if isinstance(monitoring, SageMakerMonitoring):
        at: FieldPath = ("stages", Stage.MONITORING.value, "instance_type")
        yield from broken_instance_type(monitoring.instance_type, Use.PROCESSING, at)


def _of_training(settings: Settings) -> Iterator[Problem]:
    """A model's machine has to train; where it can do nothing else, the other steps stay on the stage's."""
    chosen = settings.stages.training_pipeline
    if not isinstance(chosen, AwsTraining):
        return
    # Whatever runs processing jobs trains as well.
    at: FieldPath = ("stages", Stage.TRAINING_PIPELINE.value, "machine")
    if for_training_alone(chosen.machine) and chosen.machine in instance_types(Use.TRAINING):
        yield Problem(
            at,
            f"`{chosen.machine}` can train, but not run the other steps",
            "write e.g. `ml.m5.xlarge`, and this one as `pipeline.compute.instance_type` of the models it is for",
        )
    else:
        yield from broken_instance_type(chosen.machine, Use.PROCESSING, at)
    for name, model in settings.models.items():
        path = ("models", name, "pipeline", "compute", "instance_type")
        yield from _of_compute(model.pipeline.compute, Use.TRAINING, path)


def _of_serving(settings: Settings) -> Iterator[Problem]:
    chosen = settings.stages.serving
    if not isinstance(chosen, SageMakerServing):
        return
    at: FieldPath = ("stages", Stage.SERVING.value, "instance_type")
    if "instance_type" in chosen.model_fields_set:
        yield from broken_instance_type(chosen.instance_type, Use.ENDPOINT, at)
    for name, model in settings.models.items():
        if model.realtime:
            path = ("models", name, "realtime", "compute", "instance_type")
            yield from _of_compute(model.realtime.compute, Use.ENDPOINT, path)
        if model.batch:
            named = bool((model.batch.compute or {}).get("instance_type"))
            path = ("models", name, "batch", "compute", "instance_type")
            yield from _of_compute(model.batch.compute, Use.BATCH, path)
            if not named and chosen.instance_type in instance_types(Use.ENDPOINT):
                yield from broken_instance_type(chosen.instance_type, Use.BATCH, path)


def _of_compute(compute: Compute | None, use: Use, path: FieldPath) -> Iterator[Problem]:
    instance_type = (compute or {}).get("instance_type")
    if instance_type:
        yield from broken_instance_type(instance_type, use, path)


SETTINGS_RULES = (instance_rules,)
