"""What the status page shows: `status`, and the pages of all stages."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.executors.protocol import Executor, NotDeployedError
from mlops_stacks.operations.feature_groups import feature_groups, local_store
from mlops_stacks.operations.pages import FEATURES_PAGE, NoPageError, pages_of
from mlops_stacks.operations.status import status
from mlops_stacks.project import Project


def snapshot(project: Project, executor: Executor, environment: str | None) -> dict[str, Any]:
    """The state of a blueprint at this moment, as plain data without secrets."""
    return {
        **status(project, executor, environment),
        "links": list(_links(project, executor, environment)),
        "features": list(_features(project, executor, environment)),
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _links(project: Project, executor: Executor, environment: str | None) -> Iterator[dict[str, str]]:
    """Every page of every stage that is deployed; a page that two scopes share once."""
    seen = set()
    for stage in Stage:
        for scope in project.scopes(environment):
            for name, url in _pages(project, executor, stage, scope):
                if url not in seen and url.startswith("http"):
                    seen.add(url)
                    yield {"stage": stage.value, "title": _title(stage, name), "url": url}
    yield from _feature_pages(project, executor, environment)


def _feature_pages(project: Project, executor: Executor, environment: str | None) -> Iterator[dict[str, str]]:
    """Feast has no page of its own: ours shows what is in its files, whose folder a person can open."""
    for scope in project.scopes(environment):
        store = local_store(project, scope, _exported(project, executor, scope))
        if store is not None:
            title = _title(Stage.FEATURE_STORE, f"Feast in {scope}")
            place = {"url": "", "page": FEATURES_PAGE, "path": str(store["history"])}
            yield {"stage": Stage.FEATURE_STORE.value, "title": title, **place}


def _features(project: Project, executor: Executor, environment: str | None) -> Iterator[dict[str, Any]]:
    for scope in project.scopes(environment):
        yield from feature_groups(project, scope, _exported(project, executor, scope))


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


def _title(stage: Stage, name: str) -> str:
    words = stage.value.replace("_", " ")
    return words if name == stage.value else f"{words}: {name.replace('_', ' ')}"


def _without_token(url: str) -> str:
    """Whoever can open a port of this machine can read the status page: a token in an address stays out of it."""
    parts = urllib.parse.urlsplit(url)
    query = [(key, value) for key, value in urllib.parse.parse_qsl(parts.query) if key.lower() != "token"]
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))
