"""What the status page shows: `status`, the pages of all stages, and what monitoring found."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.executors.protocol import Executor, NotDeployedError
from mlops_stacks.operations.pages import NoPageError, pages_of
from mlops_stacks.operations.status import status
from mlops_stacks.project import Project
from mlops_stacks.runtime.monitoring.places import Places
from mlops_stacks.runtime.monitoring.status import ModelStatus, status_of_model

_ALARMS = 6
"""How many of a model's alarms are shown, latest first."""


def snapshot(project: Project, executor: Executor, environment: str | None) -> dict[str, Any]:
    """The state of a blueprint at this moment, as plain data without secrets."""
    return {
        **status(project, executor, environment),
        "monitoring": _monitoring(project, executor, environment),
        "links": list(_links(project, executor, environment)),
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _links(project: Project, executor: Executor, environment: str | None) -> Iterator[dict[str, str]]:
    """Every page of every stage that is deployed; a page that two scopes share once."""
    seen = set()
    for stage in Stage:
        for scope in project.scopes(environment):
            for name, url in _pages(project, executor, stage, scope):
                if url not in seen:
                    seen.add(url)
                    yield {"stage": stage.value, "title": _title(stage, name), "url": url}
    yield from _feature_folders(project, executor, environment)


def _feature_folders(project: Project, executor: Executor, environment: str | None) -> Iterator[dict[str, str]]:
    """Feast has no page of its own: where its history and its online rows are is what a person can open."""
    for scope in project.scopes(environment):
        exported = _exported(project, executor, scope).get(Stage.FEATURE_STORE.value, {})
        for key, what in (("history", "history"), ("online_store", "online")):
            if exported.get(key):
                where = "" if scope == SHARED else f" in {scope}"
                title = f"feature store: {what}{where}"
                yield {"stage": Stage.FEATURE_STORE.value, "title": title, "url": "", "path": str(exported[key])}


def _exported(project: Project, executor: Executor, scope: str) -> Mapping[str, Any]:
    """What a scope exports; nothing where it is not deployed."""
    try:
        return executor.outputs(project.blueprint.stack(scope))
    except NotDeployedError:
        return {}


def _pages(project: Project, executor: Executor, stage: Stage, scope: str) -> list[tuple[str, str]]:
    try:
        return [(name, _without_token(url)) for name, url in pages_of(project, executor, stage, scope)]
    except (NoPageError, NotDeployedError):
        return []


def _monitoring(project: Project, executor: Executor, environment: str | None) -> list[dict[str, Any]] | None:
    """What is known of each watched model; None where the blueprint has no such stage."""
    scopes = [
        scope
        for scope in project.scopes(environment)
        if scope != SHARED and project.blueprint.scope(scope).settings.stages.monitoring is not None
    ]
    return [found for scope in scopes for found in _watched(project, executor, scope)] if scopes else None


def _watched(project: Project, executor: Executor, scope: str) -> Iterator[dict[str, Any]]:
    exported = _exported(project, executor, scope).get(Stage.MONITORING.value, {})
    for model, folder in sorted(exported.get("reports", {}).items()):
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
        "reason": found.problem or drift.get("reason", ""),
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


def _title(stage: Stage, name: str) -> str:
    words = stage.value.replace("_", " ")
    return words if name == stage.value else f"{words}: {name.replace('_', ' ')}"


def _without_token(url: str) -> str:
    """Whoever can open a port of this machine can read the status page: a token in an address stays out of it."""
    parts = urllib.parse.urlsplit(url)
    query = [(key, value) for key, value in urllib.parse.parse_qsl(parts.query) if key.lower() != "token"]
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))
