"""The ports that a blueprint insists on. All scopes of a laptop share one machine, so each can be wanted once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlops_stacks.blueprint.problems import FieldPath
from mlops_stacks.blueprint.settings import Blueprint
from mlops_stacks.blueprint.vocabulary import SHARED


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port, what it is for, in which scope, and where it was written (in the resolved shape)."""

    port: int
    purpose: str
    scope: str
    path: FieldPath


def wanted_ports(blueprint: Blueprint) -> Iterator[WantedPort]:
    """Every port that is not left to be chosen."""
    tracking = getattr(blueprint.shared.settings.stages.experiment_tracking, "port", None)
    if tracking is not None:
        yield WantedPort(tracking, "MLflow", SHARED, (SHARED, "settings", "stages", "experiment_tracking", "port"))
    for scope, environment in blueprint.environments.items():
        for model, config in environment.settings.models.items():
            if config.realtime is not None and config.realtime.port is not None:
                path = ("environments", scope, "settings", "models", model, "realtime", "port")
                yield WantedPort(config.realtime.port, f"{model} in {scope}", scope, path)
