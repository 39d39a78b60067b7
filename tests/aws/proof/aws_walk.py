"""Documents for the walk over AWS's fields: for each field the stages that can make something of it, and a context."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from compose import documents
from compose.field_walk import Path, leaves, variants, with_value

from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.engines import ENGINES, find_engine
from mlops_stacks.blueprint.settings import Settings
from mlops_stacks.blueprint.vocabulary import Platform, Stage

ALL = tuple(engine for engine in ENGINES if engine.platform is Platform.AWS and engine.has_component)
CERTIFICATE = f"arn:aws:acm:eu-west-1:{documents.DEV}:certificate/00000000-0000-0000-0000-000000000000"
NEEDED: dict[str, dict[str, Any]] = {
    "ecs": {"certificate": CERTIFICATE},
    "github_actions": {"repository": "example/flights"},
    "gitlab_ci": {"repository": "example/flights"},
}
"""Engine -> options without which it is refused."""

GROUP = {
    "airport": {
        "entity": "origin",
        "event_time": "known_at",
        "features": [{"name": "share", "type": "float"}, {"name": "flights", "type": "integer"}],
    }
}
BATCH = {"schedule": {"cron": "0 5 * * *"}, "input": "today", "output": "predictions"}
TARGET = {
    "account": documents.PROD,
    "region": "eu-west-1",
    "zones": ["eu-west-1a", "eu-west-1b"],
    "role": f"arn:aws:iam::{documents.PROD}:role/deployer",
}
MODEL = {"release": 1, "monitoring": {}}
CONTEXT: dict[str, dict[str, Any]] = {
    "stages.feature_store": {"feature_groups": GROUP},
    "models.flight_delay.features": {"feature_groups": GROUP},
    "stages.experiment_tracking.size": {"stages": {"experiment_tracking": {"flavour": "server"}}},
    "stages.training_pipeline.flexible_minutes": {
        "models": {"flight_delay": {"pipeline": {"schedule": {"cron": "0 3 * * *"}}}}
    },
    "stages.serving.scale_at_cpu_percent": {
        "models": {"flight_delay": {"realtime": {"autoscaling": {"minimum": 1, "maximum": 3}}}}
    },
    "stages.serving.serverless": {"stages": {"serving": {"mode": "serverless"}}},
    "stages.serving.asynchronous": {"stages": {"serving": {"mode": "asynchronous"}}},
    "stages.serving.batch_lines": {"models": {"flight_delay": {"batch": BATCH}}},
    "stages.serving.batch_machines": {"models": {"flight_delay": {"batch": BATCH}}},
    "stages.monitoring.gpu_percent": {"stages": {"serving": {"instance_type": "ml.g4dn.xlarge"}}},
    "stages.pipeline_delivery.approval_days": {"environments": {"prod": {"target": TARGET}}},
    "models.flight_delay.monitoring.drift": {"models": {"flight_delay": {"monitoring": {"drifted_features": 1}}}},
    "models.flight_delay.retraining": {"models": {"flight_delay": {"retraining": {"on_drift": True}}}},
    "models.flight_delay.pipeline.compute.gpu": {
        "models": {"flight_delay": {"pipeline": {"compute": {"gpu": {"count": 1}}}}}
    },
}
"""Beginning of a field -> what else the document says (merged into it), so that the field can mean something."""


def engine_fields() -> Iterator[tuple[Engine, Path, Any]]:
    """Every option of every engine that has a component on AWS."""
    for engine in ALL:
        for path, annotation in leaves(engine.options):
            if path[0] not in ("engine", "platform"):
                yield engine, ("stages", engine.stage.value, *path), annotation


def engine_choices() -> Iterator[tuple[Engine, Path, tuple[str, ...]]]:
    """Every choice between records in the options of every engine on AWS."""
    for engine in ALL:
        for path, names in variants(engine.options):
            yield engine, ("stages", engine.stage.value, *path), names


def whole(engine: Engine | None = None) -> dict[str, Any]:
    """The document with every stage, one of them by this engine."""
    document = copy.deepcopy(documents.aws_whole())
    if engine is not None and find_engine(engine.stage, Platform.AWS, None) != engine:
        document["stages"][engine.stage.value] = {"engine": engine.name, **NEEDED.get(engine.name, {})}
    return document


def small(engine: Engine) -> dict[str, Any]:
    """The document with this engine's stage, what it needs, and no other."""
    document = whole(engine)
    kept = closure({engine.stage.value}, document)
    document["stages"] = {name: options for name, options in document["stages"].items() if name in kept}
    return without_unread(document)


def reading(path: Path) -> dict[str, Any]:
    """The document with the stages that read a field, and what they need."""
    document = whole()
    dotted = ".".join(part for part in path if not part.startswith("("))
    chosen = {stage for stage in document["stages"] if _engine(stage, document).reads_field(dotted)}
    kept = closure(chosen or set(document["stages"]), document)
    document["stages"] = {name: options for name, options in document["stages"].items() if name in kept}
    if not any(_engine(stage, document).reads_field("workload.path") for stage in kept) and dotted != "workload.path":
        document["workload"].pop("path")
    return document


def closure(stages: set[str], document: dict[str, Any]) -> set[str]:
    """These stages, and those without which they cannot work."""
    found = set(stages)
    while more := {n.value for s in found for n in _engine(s, document).needs} - found:
        found |= more
    return found


def _engine(stage: str, document: dict[str, Any]) -> Engine:
    engine = find_engine(Stage(stage), Platform.AWS, (document["stages"].get(stage) or {}).get("engine"))
    assert engine is not None
    return engine


def without_unread(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the parts of the base that none of its stages reads."""
    engines = [_engine(stage, document) for stage in document["stages"]]

    def read(path: str) -> bool:
        return any(engine.reads_field(path) for engine in engines)

    workload = {key: value for key, value in document.get("workload", {}).items() if read(f"workload.{key}")}
    if "entry_point" in workload:
        document["workload"] = workload
    else:
        document.pop("workload", None)
    model = {
        key: value
        for key, value in MODEL.items()
        if read(f"models.flight_delay.{key}")
        or (key == "monitoring" and read("models.flight_delay.monitoring.error_rate_percent"))
    }
    if read("models.flight_delay"):
        document["models"] = {"flight_delay": model}
    else:
        document.pop("models", None)
    if "foundation" not in document["stages"]:
        _without_zones(document)  # whose network would lie in them
    return document


def merged(document: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Two documents in one, key by key."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            merged(document[key], value)
        else:
            document[key] = copy.deepcopy(value)
    return document


def in_context(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """A document with what a field needs around it."""
    dotted = ".".join(part for part in path if not part.startswith("("))
    for beginning, more in CONTEXT.items():
        if dotted == beginning or dotted.startswith(f"{beginning}."):
            merged(document, more)
    return document


def changed(document: dict[str, Any], engine: Engine | None, path: Path, value: Any) -> dict[str, Any]:
    """The document with a value at a path."""
    if engine is None:
        return with_value(document, Settings, path, value)
    made = copy.deepcopy(document)
    options = made["stages"].get(path[1]) or {}
    made["stages"][path[1]] = with_value(options, engine.options, path[2:], value)
    if path[1:3] == ("foundation", "network") and "(CreateNetwork)" not in path:
        _without_zones(made)  # only a network that is made lies in them
    return made


def _without_zones(document: dict[str, Any]) -> None:
    for environment in document["environments"].values():
        environment["target"].pop("zones", None)
