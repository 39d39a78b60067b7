"""The ports that a blueprint insists on. All scopes of a laptop share one machine, so each can be wanted once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlops_stacks.blueprint.problems import FieldPath
from mlops_stacks.blueprint.settings import Blueprint
from mlops_stacks.blueprint.vocabulary import SHARED, Stage


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port, what it is for, in which scope, and where it was written (in the resolved shape)."""

    port: int
    purpose: str
    scope: str
    path: FieldPath


def wanted_ports(blueprint: Blueprint) -> Iterator[WantedPort]:
    """Every port that is not left to be chosen."""
    for stage, purpose in _ONCE.items():
        yield from _of_stage(blueprint, SHARED, (SHARED,), stage, purpose)
    for scope, environment in blueprint.environments.items():
        at: FieldPath = ("environments", scope)
        yield from _of_stage(blueprint, scope, at, Stage.MONITORING, f"the monitor of {scope}")
        for model, config in environment.settings.models.items():
            if config.realtime is not None and config.realtime.port is not None:
                path = (*at, "settings", "models", model, "realtime", "port")
                yield WantedPort(config.realtime.port, f"{model} in {scope}", scope, path)


_ONCE = {Stage.EXPERIMENT_TRACKING: "MLflow", Stage.WORKBENCH: "JupyterLab"}
"""What a laptop has one of, in the shared scope."""


def _of_stage(blueprint: Blueprint, scope: str, at: FieldPath, stage: Stage, purpose: str) -> Iterator[WantedPort]:
    port = getattr(getattr(blueprint.scope(scope).settings.stages, stage.value), "port", None)
    if port is not None:
        yield WantedPort(port, purpose, scope, (*at, "settings", "stages", stage.value, "port"))
