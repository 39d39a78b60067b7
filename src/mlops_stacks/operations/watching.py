"""What monitoring on this machine found, for people: verdicts, alarms, and the retrainings that these started."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.project import Project
from mlops_stacks.runtime.monitoring.alarms import AlarmState
from mlops_stacks.runtime.monitoring.places import Places
from mlops_stacks.runtime.monitoring.status import ModelStatus, status_of_model
from mlops_stacks.runtime.monitoring.status import acknowledge as record

_ALARMS = 6
"""How many of a model's alarms are shown, latest first."""


def watched_models(project: Project, exports: Mapping[str, Mapping[str, Any] | None]) -> list[dict[str, Any]] | None:
    """What is known of each watched model of these scopes; None where none of them has the stage."""
    scopes = [
        scope
        for scope in exports
        if scope != SHARED and project.blueprint.scope(scope).settings.stages.monitoring is not None
    ]
    return [found for scope in scopes for found in _watched(scope, exports[scope] or {})] if scopes else None


class AcknowledgeError(Exception):
    """There is no such alarm; the sentence says what there is."""


def acknowledge(project: Project, executor: Executor, environment: str, model: str, alarm: str | None) -> list[str]:
    """Record that somebody looks after an open alarm of a model, or after all of them; returns their names.

    The monitor shows it at its next look, within a minute. Raises `AcknowledgeError` and `NotDeployedError`.
    """
    exported = executor.outputs(project.blueprint.stack(environment))
    folder = Path(str(exported.get(Stage.MONITORING.value, {}).get("reports", {}).get(model, "")))
    if not folder.is_absolute():
        _refuse_unwatched(project, exported, environment, model)
        raise AcknowledgeError(
            f"nothing on this machine watches `{model}` in {environment}: alarms of a cloud are acknowledged there"
        )
    places = Places(folder)
    raised = [one["name"] for one in status_of_model(model, places).open_alarms if one["state"] == AlarmState.RAISED]
    chosen = raised if alarm is None else [name for name in raised if name == alarm]
    if not chosen:
        there = ", ".join(raised) or "none"
        raise AcknowledgeError(f"there is no such alarm of `{model}` in {environment} to acknowledge; raised: {there}")
    for name in chosen:
        record(places, name, getpass.getuser())
    return chosen


def _refuse_unwatched(project: Project, exported: Mapping[str, Any], environment: str, model: str) -> None:
    """Raise `AcknowledgeError` where a model is unknown, or not served, and so nobody watches it anywhere."""
    models = project.blueprint.scope(environment).settings.models
    if model not in models:
        raise AcknowledgeError(f"{environment} has no model `{model}`; there is {', '.join(sorted(models)) or 'none'}")
    if model not in exported.get(Stage.SERVING.value, {}).get("endpoints", {}):
        raise AcknowledgeError(
            f"{model} is not served in {environment}, so it is not watched: release a version of it first, then "
            "mlops-stacks up"
        )
    if models[model].monitoring is None:
        raise AcknowledgeError(f"{model} has no `monitoring` in the blueprint for {environment}, so it is not watched")


def _watched(scope: str, exported: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for model, folder in sorted(exported.get(Stage.MONITORING.value, {}).get("reports", {}).items()):
        if Path(str(folder)).is_absolute():
            found = status_of_model(model, Places(Path(str(folder))))
            yield {"environment": scope, **watched_model(found)}


def watched_model(found: ModelStatus) -> dict[str, Any]:
    """The last report on a model, its alarms, and the runs that these started."""
    report = found.last_report or {}
    drift, quality = report.get("drift", {}), report.get("quality", {})
    features = [{"name": name, **measured} for name, measured in drift.get("features", {}).items()]
    return {
        "model": found.model,
        "drift": _verdict(found, drift.get("bad")),
        "reason": found.problem or "; ".join(filter(None, (drift.get("reason"), report.get("problem")))),
        "until": found.last_report_at,
        "rows": report.get("rows"),
        "features": sorted(features, key=lambda one: one["score"] / (one["threshold"] or 1), reverse=True),
        "quality": quality.get("reason", ""),
        "metrics": quality.get("metrics", {}),
        "server": found.server,
        "page": found.last_page,
        "alarms": [
            {**alarm, "run": found.retrainings.get(alarm["name"], {}).get("run_id")} for alarm in found.alarms[:_ALARMS]
        ],
    }


def _verdict(found: ModelStatus, bad: bool | None) -> str:
    if found.problem:
        return "failed"
    if found.last_report is None:
        return "no report yet"
    return {True: "drift", False: "no drift", None: "too few rows"}[bad]
