"""Rollouts, and sizes of endpoints, that an engine of AWS cannot do: each a sentence, nothing is weakened in silence.

Sources: SageMaker API Reference (TrafficRoutingConfig, BlueGreenUpdatePolicy) and Developer Guide (deployment
guardrails, their exclusions; shadow tests; serverless inference); ECS API Reference (CanaryConfiguration,
LinearConfiguration); CodeDeploy User Guide (configurations on Lambda).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlops_components.spec.rollout import Rollout, Strategy
from mlops_components.spec.sagemaker_rollout import (
    CHALLENGER_STRATEGIES,
    LARGEST_CANARY_PERCENT,
    LINEAR_STEP_PERCENT,
    LONGEST_WAIT_MINUTES,
    linear_step,
)
from mlops_stacks.blueprint.aws_stages.network import SkipNetwork
from mlops_stacks.blueprint.aws_stages.serving import EcsServing, LambdaServing, SageMakerServing
from mlops_stacks.blueprint.model import ModelConfig, Realtime
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Blueprint, Settings
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform

_LONGEST_MINUTES = 480
"""All waiting of one rollout of SageMaker together."""
_LONGEST_ON_ECS_MINUTES = 1440
_LONGEST_ON_LAMBDA_MINUTES = 2880


def rollout_rules(settings: Settings) -> Iterator[Problem]:
    """What an engine of AWS cannot do for the models of an environment."""
    chosen = settings.stages.serving
    for name, model in settings.models.items():
        at: FieldPath = ("models", name)
        if isinstance(chosen, SageMakerServing):
            yield from _sagemaker(chosen, name, model, at)
        elif isinstance(chosen, LambdaServing):
            yield from _shifted(model.rollout, at, "CodeDeploy", _LONGEST_ON_LAMBDA_MINUTES)
        elif isinstance(chosen, EcsServing):
            yield from _shifted(model.rollout, at, "ECS", _LONGEST_ON_ECS_MINUTES)
            yield from _scaled_by_requests(model, at)
    if isinstance(chosen, SageMakerServing):
        yield from _unknown_models(settings, chosen)
        yield from _unread_percent(settings, chosen)
        if chosen.rolling_percent is not None and chosen.keep_old_minutes:
            yield Problem(
                ("stages", "serving", "keep_old_minutes"),
                "copies that are replaced in place are not kept",
                "remove it, or remove `rolling_percent`",
            )


def _unread_percent(settings: Settings, chosen: SageMakerServing) -> Iterator[Problem]:
    """Copies are replaced in place only where a model's machines go over to a version all at once."""
    if chosen.rolling_percent is None or not settings.models:
        return
    for name, model in settings.models.items():
        on_machines = model.realtime is not None and chosen.modes.get(name, chosen.mode) != "serverless"
        if on_machines and (not model.rollout or Strategy(model.rollout["strategy"]) is Strategy.ALL_AT_ONCE):
            return
    yield Problem(
        ("stages", "serving", "rolling_percent"),
        "no model here has an endpoint with machines of its own that goes over all at once, so nothing reads it",
        "remove it, or write `strategy: all_at_once` as the rollout of a model",
    )


def _unknown_models(settings: Settings, chosen: SageMakerServing) -> Iterator[Problem]:
    for field, named in (("modes", chosen.modes), ("challengers", chosen.challengers)):
        for name in named:
            if name not in settings.models:
                yield Problem(
                    ("stages", "serving", field, name),
                    f"there is no model `{name}`",
                    "name one of `models`, or remove it",
                )


def _sagemaker(chosen: SageMakerServing, name: str, model: ModelConfig, at: FieldPath) -> Iterator[Problem]:
    mode = chosen.modes.get(name, chosen.mode)
    yield from _challengers(chosen, name, model.rollout, at)
    if model.rollout:
        yield from _steps(model.rollout, (*at, "rollout"))
        yield from _waiting(model.rollout, chosen.keep_old_minutes, (*at, "rollout"))
        yield from _unguarded(chosen, mode, model, (*at, "rollout"))
    if model.realtime:
        yield from _scaling(mode, model.realtime, (*at, "realtime", "autoscaling"))


def _challengers(chosen: SageMakerServing, name: str, rollout: Rollout | None, at: FieldPath) -> Iterator[Problem]:
    strategy = Strategy(rollout["strategy"]) if rollout else Strategy.ALL_AT_ONCE
    if strategy in CHALLENGER_STRATEGIES and name not in chosen.challengers:
        yield Problem(
            (*at, "rollout", "strategy"),
            f"{strategy.value} takes a second version beside the released one, and none is named",
            f"write the version under `stages.serving.challengers.{name}`",
        )
    if strategy not in CHALLENGER_STRATEGIES and name in chosen.challengers:
        yield Problem(
            ("stages", "serving", "challengers", name),
            f"the rollout {strategy.value} of this model has no use for a second version",
            "write `strategy: shadow` or `strategy: ab`, or remove it",
        )


def _steps(rollout: Rollout, at: FieldPath) -> Iterator[Problem]:
    strategy, steps = Strategy(rollout["strategy"]), list(rollout.get("steps_percent") or [])
    path = (*at, "steps_percent")
    if not steps:
        return
    if strategy not in (Strategy.CANARY, *CHALLENGER_STRATEGIES):
        yield Problem(path, f"{strategy.value} has no steps", "remove them, or write `strategy: canary`")
    elif not all(0 < step <= 100 for step in steps) or steps != sorted(set(steps)):
        yield Problem(path, "the shares do not ascend from more than 0 to at most 100", "write e.g. `[10]`")
    elif strategy is not Strategy.CANARY and len(steps) > 1:
        yield Problem(path, f"{strategy.value} has one share of the traffic, not {len(steps)}", "write one of them")
    elif strategy is Strategy.CANARY:
        yield from _canary_steps(steps, path)


def _canary_steps(steps: list[float], path: FieldPath) -> Iterator[Problem]:
    step, (least, most) = linear_step(steps), LINEAR_STEP_PERCENT
    if any(share != int(share) for share in steps):
        yield Problem(path, "SageMaker shifts traffic by whole percents", "write whole numbers")
    elif step is not None and not least <= step <= most:
        yield Problem(
            path, f"SageMaker's steps are {least} to {most} percent, not {step:g}", "write e.g. `[25, 50, 75]`"
        )
    elif step is None and len(steps) > 1:
        yield Problem(
            path,
            "SageMaker shifts traffic in one step before the last, or in equal ones",
            "write one share, e.g. `[10]`, or equal steps, e.g. `[25, 50, 75]`",
        )
    elif step is None and steps[0] > LARGEST_CANARY_PERCENT:
        yield Problem(
            path,
            f"SageMaker's canary is at most {LARGEST_CANARY_PERCENT} percent, not {steps[0]:g}",
            f"write at most {LARGEST_CANARY_PERCENT}",
        )


def _waiting(rollout: Rollout, keep_old_minutes: int, at: FieldPath) -> Iterator[Problem]:
    minutes = rollout.get("bake_minutes")
    if minutes is None:
        return
    path = (*at, "bake_minutes")
    steps = list(rollout.get("steps_percent") or [])
    step = linear_step(steps) if Strategy(rollout["strategy"]) is Strategy.CANARY else None
    waits = -(-100 // step) if step else 2
    if not 0 <= minutes <= LONGEST_WAIT_MINUTES:
        yield Problem(
            path,
            f"SageMaker waits at most {LONGEST_WAIT_MINUTES} minutes after a step, not {minutes:g}",
            f"write 0 to {LONGEST_WAIT_MINUTES}",
        )
    elif waits * minutes + keep_old_minutes + 60 > _LONGEST_MINUTES:
        yield Problem(
            path,
            f"with {waits:g} steps the rollout would take longer than the {_LONGEST_MINUTES // 60} hours that "
            "SageMaker gives it, an hour for machines to start included",
            "write fewer minutes, or larger steps",
        )


def _unguarded(chosen: SageMakerServing, mode: str, model: ModelConfig, at: FieldPath) -> Iterator[Problem]:
    """Where SageMaker would quietly shift all traffic at once."""
    assert model.rollout is not None  # noqa: S101 - the caller has looked
    compute = model.realtime.compute if model.realtime else None
    machine = (compute or {}).get("instance_type") or chosen.instance_type
    strategy = Strategy(model.rollout["strategy"])
    guarded = strategy is not Strategy.ALL_AT_ONCE or model.rollout.get("rollback") or model.rollout.get("bake_minutes")
    if model.realtime is None:
        yield Problem((*at, "strategy"), "the model has no endpoint that could be rolled out", "remove `rollout`")
    elif guarded and mode == "serverless":
        yield Problem(
            (*at, "strategy"),
            "a serverless endpoint of SageMaker goes over to a new version at once, and nothing undoes it",
            "write `strategy: all_at_once` alone, or another mode in `stages.serving`",
        )
    elif strategy in CHALLENGER_STRATEGIES and mode == "asynchronous":
        yield Problem(
            (*at, "strategy"),
            f"an asynchronous endpoint of SageMaker has one version, so it cannot do {strategy.value}",
            "write all_at_once, blue_green or canary, or another mode in `stages.serving`",
        )
    elif guarded and machine.startswith("ml.inf1."):
        yield Problem(
            (*at, "strategy"),
            f"SageMaker shifts all traffic of `{machine}` at once, whatever is asked",
            "write another machine, e.g. `ml.inf2.xlarge`, or `strategy: all_at_once` alone",
        )


def _scaling(mode: str, realtime: Realtime, at: FieldPath) -> Iterator[Problem]:
    scaling = realtime.autoscaling
    if scaling is None:
        return
    if mode == "serverless":
        yield Problem(
            at, "a serverless endpoint has as many copies as there are requests", "write `stages.serving.serverless`"
        )
    elif scaling.minimum == 0 and mode == "instances":
        yield Problem(
            (*at, "minimum"),
            "an endpoint with no copies answers nobody",
            "write at least 1, or `asynchronous` or `serverless` as mode in `stages.serving`",
        )
    elif scaling.maximum > scaling.minimum and scaling.requests_per_minute is None:
        yield Problem(
            (*at, "maximum"),
            "nothing says when a copy is added",
            "write `requests_per_minute`, the load of one copy, or let maximum be minimum",
        )


def _shifted(rollout: Rollout | None, at: FieldPath, shifter: str, longest: int) -> Iterator[Problem]:
    """What CodeDeploy and ECS have in common: one share before the last, or equal steps."""
    if not rollout:
        return
    steps, minutes = list(rollout.get("steps_percent") or []), rollout.get("bake_minutes")
    path = (*at, "rollout", "steps_percent")
    if steps and Strategy(rollout["strategy"]) is not Strategy.CANARY:
        yield Problem(path, f"{rollout['strategy'].value} has no steps", "remove them, or write `strategy: canary`")
    elif not all(0 < step <= 100 for step in steps) or steps != sorted(set(steps)):
        yield Problem(path, "the shares do not ascend from more than 0 to at most 100", "write e.g. `[10]`")
    elif any(step != int(step) for step in steps):
        yield Problem(path, f"{shifter} shifts traffic by whole percents here", "write whole numbers")
    elif len(steps) > 1 and linear_step(steps) is None:
        yield Problem(
            path,
            f"{shifter} shifts traffic in one step before the last, or in equal ones",
            "write one share, e.g. `[10]`, or equal steps, e.g. `[25, 50, 75]`",
        )
    if minutes is not None and (minutes != int(minutes) or not 0 <= minutes <= longest):
        yield Problem(
            (*at, "rollout", "bake_minutes"),
            f"{shifter} waits for whole minutes, at most {longest}, not {minutes:g}",
            "write a whole number",
        )


def _scaled_by_requests(model: ModelConfig, at: FieldPath) -> Iterator[Problem]:
    scaling = model.realtime.autoscaling if model.realtime else None
    shifts = model.rollout and Strategy(model.rollout["strategy"]) is not Strategy.ALL_AT_ONCE
    if scaling and scaling.requests_per_minute is not None and shifts:
        yield Problem(
            (*at, "realtime", "autoscaling", "requests_per_minute"),
            "with two sets of copies ECS cannot tell the requests of one from those of the other",
            "remove it (copies then follow their processors' load), or write `strategy: all_at_once`",
        )
    if scaling and scaling.minimum == 0:
        yield Problem(
            (*at, "realtime", "autoscaling", "minimum"), "a service with no copies answers nobody", "write at least 1"
        )


def region_rules(blueprint: Blueprint) -> Iterator[Problem]:
    """Serving in another region than the shared scope: versions and images are only taken from one's own region."""
    registry = blueprint.shared.target_on(Platform.AWS)
    for name, environment in blueprint.environments.items():
        target = environment.target_on(Platform.AWS)
        serving = environment.settings.stages.serving
        what = _TAKEN.get(type(serving))
        if (
            what is not None
            and isinstance(registry, AwsTarget)
            and isinstance(target, AwsTarget)
            and target.region != registry.region
        ):
            yield Problem(
                ("environments", name, "target", "region"),
                f"the shared scope is in {registry.region}, and {what} from its own region only",
                f"write {registry.region}, or serve with the engine `ecs`",
            )


_TAKEN: dict[type[Any], str] = {
    SageMakerServing: "an endpoint takes versions",
    LambdaServing: "a function takes its image",
}

_TASK_MEMORY_GB: dict[float, tuple[float, float]] = {
    0.25: (0.5, 2),
    0.5: (1, 4),
    1: (2, 8),
    2: (4, 16),
    4: (8, 30),
    8: (16, 60),
    16: (32, 120),
}
"""Processors of a task -> the memory it may have. Source: ECS Developer Guide, "Task CPU and memory" on Fargate."""


def fargate_rules(settings: Settings) -> Iterator[Problem]:
    """Copies of a size that Fargate does not have, and services without a network to be in."""
    chosen = settings.stages.serving
    if not isinstance(chosen, EcsServing):
        return
    foundation = settings.stages.foundation
    if isinstance(getattr(foundation, "network", None), SkipNetwork):
        yield Problem(
            ("stages", "serving", "engine"),
            "services of ECS have to be in a network, and the foundation has none",
            "write `network: {mode: create, …}` or `{mode: adopt, …}` in the foundation",
        )
    yield from _task_size(chosen.cpu, chosen.memory_gb, ("stages", "serving"))
    for name, model in settings.models.items():
        compute = (model.realtime.compute if model.realtime else None) or {}
        if compute.get("cpu") or compute.get("memory_gb"):
            at: FieldPath = ("models", name, "realtime", "compute")
            yield from _task_size(compute.get("cpu") or chosen.cpu, compute.get("memory_gb") or chosen.memory_gb, at)


def _task_size(cpu: float, memory_gb: float, at: FieldPath) -> Iterator[Problem]:
    if cpu not in _TASK_MEMORY_GB:
        sizes = ", ".join(f"{size:g}" for size in _TASK_MEMORY_GB)
        yield Problem((*at, "cpu"), f"Fargate has no copies of {cpu:g} processors", f"write one of {sizes}")
        return
    least, most = _TASK_MEMORY_GB[cpu]
    if not least <= memory_gb <= most:
        yield Problem(
            (*at, "memory_gb"),
            f"a copy of {cpu:g} processors on Fargate has {least:g} to {most:g} GiB, not {memory_gb:g}",
            "write as much, or another number of processors",
        )


SETTINGS_RULES = (rollout_rules, fargate_rules)
BLUEPRINT_RULES = (region_rules,)
