"""Rules that more than one field takes part in. Each broken one is a sentence with its place and its remedy.

A rule speaks only where the engine that a stage chose cannot do what is asked: nothing is weakened in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from mlops_components.spec.rollout import Strategy
from mlops_stacks.blueprint import cloud_rules
from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.engines import ENGINES, engines_of, find_engine
from mlops_stacks.blueprint.feature_rules import feature_rules
from mlops_stacks.blueprint.ports import wanted_ports
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.schedules import broken_schedule
from mlops_stacks.blueprint.settings import Blueprint, Environment, SecretFromManager, Settings
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage


def broken_rules(blueprint: Blueprint, document: Mapping[str, Any]) -> list[Problem]:
    """All broken rules, with paths of the resolved shape."""
    problems: list[Problem] = []
    for name, environment in ((SHARED, blueprint.shared), *blueprint.environments.items()):
        at: FieldPath = (SHARED,) if name == SHARED else ("environments", name)
        problems += _target_rules(blueprint, environment, at)
        settings_rules = (
            _engine_rules,
            _need_rules,
            _secret_rules,
            _model_rules,
            _watching_rules,
            feature_rules,
            *cloud_rules.settings_rules(),
            _unread_fields,
        )
        for rule in settings_rules:
            problems += [replace(p, path=(*at, "settings", *p.path)) for p in rule(environment.settings)]
    for of_blueprint in cloud_rules.blueprint_rules():
        problems += of_blueprint(blueprint)
    problems += _scope_fields(blueprint, document)
    problems += _port_rules(blueprint)
    return problems


def _target_rules(blueprint: Blueprint, environment: Environment, at: FieldPath) -> Iterator[Problem]:
    if environment.target is not None and environment.target.platform != blueprint.platform:
        yield Problem(
            (*at, "target", "platform"),
            f"the target is on {environment.target.platform}, the blueprint on {blueprint.platform}",
            f"write a target on {blueprint.platform}, and this one under `targets.{environment.target.platform}`",
        )
    used = {chosen.platform for _, chosen in environment.settings.stages.items()} | {blueprint.platform}
    for platform in sorted(used - {Platform.LOCAL}):
        misplaced = platform == blueprint.platform and environment.target is not None
        if environment.target_on(platform) is None and not misplaced:
            key = "target" if platform == blueprint.platform else f"targets.{platform}"
            yield Problem(
                (*at, *key.split(".")),
                f"there is no target on {platform}",
                f"write `{key}: {_EXAMPLE_TARGET[platform]}`",
            )
    for platform in environment.targets:
        if platform == blueprint.platform:
            yield Problem(
                (*at, "targets", platform), f"{platform} is the blueprint's own platform", "write it as `target`"
            )
        elif platform not in used:
            yield Problem((*at, "targets", platform), f"no stage is on {platform}", "remove this target")
        elif environment.targets[platform].platform != platform:
            yield Problem((*at, "targets", platform), "the target is on another platform", "remove its `platform`")


_EXAMPLE_TARGET = {
    Platform.AWS: '{account: "123456789012", region: eu-west-1}',
    Platform.GCP: "{project: my-project, region: europe-west1}",
    Platform.AZURE: "{subscription: 00000000-0000-0000-0000-000000000000, location: westeurope}",
    Platform.KUBERNETES: "{context: my-cluster}",
}


def _engine_rules(settings: Settings) -> Iterator[Problem]:
    for stage, chosen in settings.stages.items():
        engine = find_engine(stage, chosen.platform, chosen.engine)
        path = ("stages", stage.value, "engine")
        ready = [e for e in engines_of(stage, chosen.platform) if e.has_component]
        offer = f"use {' or '.join(e.name for e in ready)}" if ready else "leave the stage out for now"
        if engine is None:
            names = [e.name for e in engines_of(stage, chosen.platform)]
            close = get_close_matches(chosen.engine, names, 1)
            hint = f"did you mean `{close[0]}`?" if close else offer
            yield Problem(path, f"{stage} has no engine `{chosen.engine}` on {chosen.platform}", hint)
        elif not engine.has_component:
            yield Problem(path, f"engine `{engine.name}` ({engine.title}) of {stage} has no component yet", offer)
        elif "lifecycle" in chosen.model_fields_set and "lifecycle" in dict(engine.ignores):
            why = dict(engine.ignores)["lifecycle"]
            yield Problem(("stages", stage.value, "lifecycle"), f"it means nothing here: {why}", "remove it")


def _need_rules(settings: Settings) -> Iterator[Problem]:
    present = {stage for stage, _ in settings.stages.items()}
    for stage, chosen in settings.stages.items():
        engine = find_engine(stage, chosen.platform, chosen.engine)
        for needed in engine.needs if engine else ():
            if needed not in present:
                yield Problem(
                    ("stages", stage.value),
                    f"{stage} with engine `{chosen.engine}` needs the stage {needed}",
                    f"add `{needed}` to the stages, or leave {stage} out",
                )
    trains = settings.stages.training_pipeline or settings.stages.serving
    if trains and settings.models and settings.workload is None:
        yield Problem(
            ("workload",),
            "there are models, but nothing says where their code is",
            "write `workload: {entry_point: package.module:attribute, path: folder}`",
        )


def _secret_rules(settings: Settings) -> Iterator[Problem]:
    pipeline = settings.stages.training_pipeline
    for name, secret in settings.secrets.items():
        if pipeline and pipeline.platform is Platform.LOCAL and isinstance(secret, SecretFromManager):
            yield Problem(
                ("secrets", name, "source"),
                "there is no secret manager on a laptop",
                "write `source: environment` with a `variable`, or `source: file` with a `path`",
            )


def _model_rules(settings: Settings) -> Iterator[Problem]:
    serving = settings.stages.engine(Stage.SERVING)
    for name, model in settings.models.items():
        at = ("models", name)
        for schedule, path in (
            (model.pipeline.schedule, (*at, "pipeline", "schedule")),
            (model.batch.schedule if model.batch else None, (*at, "batch", "schedule")),
            (model.monitoring.schedule if model.monitoring else None, (*at, "monitoring", "schedule")),
        ):
            if schedule is not None:
                yield from (replace(p, path=(*path, *p.path)) for p in broken_schedule(schedule))
        can_do = _STRATEGIES.get(serving.name) if serving else None
        if model.rollout and serving and can_do and model.rollout["strategy"] not in can_do:
            can = ", ".join(can_do)
            yield Problem(
                (*at, "rollout", "strategy"),
                f"engine `{serving.name}` cannot do {model.rollout['strategy'].value}: {_WHY_NOT[serving.name]}",
                f"write {can}, or leave `rollout` out",
            )
        scaling = model.realtime.autoscaling if model.realtime else None
        if scaling and scaling.minimum > scaling.maximum:
            yield Problem(
                (*at, "realtime", "autoscaling", "minimum"),
                f"minimum {scaling.minimum} is more than maximum {scaling.maximum}",
                "make it at most the maximum",
            )


def _watching_rules(settings: Settings) -> Iterator[Problem]:
    """What is to be watched must be kept, and what is to be started must be there."""
    for name, model in settings.models.items():
        if model.retraining and model.retraining.on_drift and settings.stages.training_pipeline is None:
            yield Problem(
                ("models", name, "retraining", "on_drift"),
                "there is no training pipeline to start",
                "add the stage training_pipeline, or write `on_drift: false`",
            )
        if (
            model.monitoring
            and settings.stages.monitoring
            and (model.realtime is None or model.realtime.capture is None)
        ):
            yield Problem(
                ("models", name, "monitoring"),
                "no request of this model is kept, so there is nothing to watch",
                "let `realtime.capture` be `{}`, or remove `monitoring`",
            )


_STRATEGIES = {
    "local": (Strategy.ALL_AT_ONCE.value,),
    "sagemaker": tuple(strategy.value for strategy in Strategy),
    "lambda": (Strategy.ALL_AT_ONCE.value, Strategy.CANARY.value),
    "ecs": (Strategy.ALL_AT_ONCE.value, Strategy.BLUE_GREEN.value, Strategy.CANARY.value),
}
"""Engines that have a component -> the strategies that they can do."""
_WHY_NOT = {
    "local": "one process answers on the model's port, so there is no traffic to split",
    "sagemaker": "it is none of its ways",
    "lambda": "a function's alias points at two versions only while traffic moves from one to the other",
    "ecs": "a service has two sets of copies only while traffic moves from one to the other",
}


def _unread_fields(settings: Settings) -> Iterator[Problem]:
    """Fields which were written, but which none of the chosen engines reads."""
    engines = [e for stage, _ in settings.stages.items() if (e := settings.stages.engine(stage)) and e.has_component]
    if len(engines) < sum(1 for _ in settings.stages.items()):
        return  # an engine without a component is reported by itself; what it would read is not known yet
    for path in written_leaves(settings):
        field = ".".join(str(part) for part in path)
        if path[0] in _ALWAYS_READ or any(engine.reads_field(field) for engine in engines):
            continue
        yield Problem(path, "nothing in this blueprint reads it", _who_reads(field, settings))


_ALWAYS_READ = frozenset({"stages", "overrides", "lifecycle"})


def _who_reads(field: str, settings: Settings) -> str:
    """The remedy for an unread field: the engine that would read it, if there is one."""
    readers: list[Engine] = [e for e in ENGINES if e.has_component and e.reads_field(field)]
    here = {chosen.platform for _, chosen in settings.stages.items()}
    present = {stage for stage, _ in settings.stages.items()}
    able = [e for e in readers if e.stage not in present]
    missing = sorted({str(e.stage) for e in [e for e in able if e.platform in here] or able})
    if missing:
        return f"add the stage {' or '.join(missing)}, or remove the field"
    if readers:
        options = sorted({f"{e.name} ({e.platform})" for e in readers})
        return f"only {', '.join(options)} of {readers[0].stage} reads it: remove the field"
    return "remove the field: no engine with a component makes use of it yet"


def written_leaves(settings: Settings) -> Iterator[FieldPath]:
    """Paths of the leaves that a document sets, as opposed to defaults. An empty mapping is a leaf of its own."""
    yield from _leaves(settings.model_dump(mode="json", exclude_unset=True), ())


def _leaves(value: Any, path: FieldPath) -> Iterator[FieldPath]:
    if isinstance(value, (Mapping, list)) and value:
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _leaves(item, (*path, key))
    elif (path and value not in ({}, [], None)) or (len(path) == 2 and path[0] == "models"):
        yield path


def _port_rules(blueprint: Blueprint) -> Iterator[Problem]:
    first: dict[int, str] = {}
    for wanted in wanted_ports(blueprint):
        if wanted.port in first:
            yield Problem(
                wanted.path,
                f"port {wanted.port} is asked for by {first[wanted.port]} as well as by {wanted.purpose}",
                "leave it out, so that a free one is chosen, or write another for one of them",
            )
        first.setdefault(wanted.port, wanted.purpose)


def _scope_fields(blueprint: Blueprint, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Fields of the shared scope that would only repeat what it gets anyway."""
    shared = document.get(SHARED)
    if isinstance(shared, Mapping) and "targets" in shared and not blueprint.shared.targets:
        yield Problem((SHARED, "targets"), "it names no target", "remove it")
