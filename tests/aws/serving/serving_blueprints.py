"""Blueprints that serve on AWS, and their plans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compose import documents
from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import PlannedResource, ScopePlan

RELEASES = {"dev": {"flight_delay": "3"}}
STAGES: dict[str, dict[str, Any]] = {"foundation": {}, "experiment_tracking": {}, "model_registry": {}, "serving": {}}


def document(serving: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Dev and prod, a model, and the stages that serving takes; `release: none` where the lock says nothing."""
    given: dict[str, Any] = {
        "stages": {**STAGES, "serving": serving or {}},
        "workload": {"entry_point": "flight_delay.workload:FlightDelay"},
        "models": {"flight_delay": {}},
        **more,
    }
    made: dict[str, Any] = documents.aws(**given)
    return made


def planned(
    serving: dict[str, Any] | None = None, releases: dict[str, dict[str, str]] | None = None, **more: Any
) -> ScopePlan:
    """The plan of dev; every rule of `checks` is held against the whole."""
    project = project_of(document(serving, **more), Path("/project"), RELEASES if releases is None else releases)
    whole = plan(project)
    assert whole.errors == (), whole.errors
    return next(scope for scope in whole.scopes if scope.scope == "dev")


def resource(scope: ScopePlan, name: str) -> PlannedResource:
    """The one of this logical name."""
    (found,) = [r for r in scope.resources if r.name == name]
    return found


def of_stage(scope: ScopePlan, stage: str = "serving") -> dict[str, str]:
    """Logical name -> type, of a stage's resources."""
    return {
        r.name: r.type.rsplit(":", 1)[-1]
        for r in scope.resources
        if r.stage == stage and not r.is_component and not r.is_provider
    }
