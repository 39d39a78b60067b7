"""Which pages a stage has for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.feature_groups import local_store
from mlops_stacks.project import Project

FEATURES_PAGE = "features"
"""Where the status server shows the feature groups: Feast itself has no page."""


class NoPageError(Exception):
    """A stage has no page that could be opened."""


_HINTS = {
    Stage.SERVING: "; a model is served once it is released",
    Stage.MONITORING: "; `mlops-stacks open` shows alarms, and links the reports once there are any",
}


def page_here(project: Project, executor: Executor, stage: Stage, environment: str | None) -> str | None:
    """The page of the status server that shows a stage; None where it shows none of it. Raises `NotDeployedError`."""
    if stage is not Stage.FEATURE_STORE or not _has(project, stage):
        return None
    exports = ((scope, executor.outputs(project.blueprint.stack(scope))) for scope in project.scopes(environment))
    return FEATURES_PAGE if any(local_store(project, scope, exported) for scope, exported in exports) else None


def pages_of(project: Project, executor: Executor, stage: Stage, environment: str | None) -> list[tuple[str, str]]:
    """Name and address of each page, at least one. Raises `NoPageError`."""
    found: list[tuple[str, str]] = []
    for scope in project.scopes(environment):
        if getattr(project.blueprint.scope(scope).settings.stages, stage.value) is not None:
            exported = executor.outputs(project.blueprint.stack(scope)).get(stage.value, {})
            found += [(_title(name, scope), url) for name, url in _pages(stage, exported)]
    if not found:
        why = "the blueprint has no such stage" if not _has(project, stage) else "nothing of it has a page here"
        hint = _HINTS.get(stage, "") if _has(project, stage) else ""
        raise NoPageError(f"{stage} has no page to open: {why}{hint}")
    return found


def _has(project: Project, stage: Stage) -> bool:
    scopes = (project.blueprint.scope(name) for name in project.blueprint.scopes)
    return any(getattr(scope.settings.stages, stage.value) is not None for scope in scopes)


def _title(name: str, scope: str) -> str:
    return name if scope == SHARED else f"{name} in {scope}"


def _pages(stage: Stage, exported: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The pages that a stage's contract tells of."""
    if url := exported.get("ui_url"):
        yield stage.value, _with_token(str(url), exported.get("token_file"))
    elif stage is Stage.MODEL_REGISTRY and str(exported.get("registry_uri", "")).startswith("http"):
        yield stage.value, f"{exported['registry_uri']}/#/models"
    elif stage is Stage.SERVING:
        for model, address in exported.get("endpoints", {}).items():
            if str(address).startswith("http"):
                yield model, f"{address}/docs"
    elif stage is Stage.MONITORING:
        yield from _reports(exported.get("reports", {}))


def _reports(folders: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The latest report on each model that has one."""
    from mlops_stacks.runtime.monitoring.places import Places
    from mlops_stacks.runtime.monitoring.status import status_of_model

    for model, folder in sorted(folders.items()):
        if Path(str(folder)).is_absolute():
            page = status_of_model(model, Places(Path(str(folder)))).last_page
            if page is not None:
                yield model, Path(page).as_uri()


def _with_token(url: str, token_file: str | None) -> str:
    """The address with the token that its page asks for, where it asks for one."""
    if token_file is None:
        return url
    try:
        return f"{url}?token={Path(token_file).read_text(encoding='utf-8')}"
    except FileNotFoundError as error:
        raise NoPageError(f"the token in {token_file} is gone: run `mlops-stacks up`, which makes another") from error
