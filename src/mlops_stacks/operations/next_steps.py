"""What to do after an `up`: a first deployment ends well before the first model, and says what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
from mlops_stacks.project import Project


def next_steps(project: Project, exports: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Lines for the end of an `up`, from what it exported. Scope -> stage -> contract."""
    shared = exports.get(SHARED, {})
    if url := shared.get(Stage.EXPERIMENT_TRACKING.value, {}).get("ui_url"):
        yield f"MLflow: {url}"
    if url := shared.get(Stage.WORKBENCH.value, {}).get("ui_url"):
        yield f"JupyterLab: {url} (it asks for a token, which `mlops-stacks open workbench` brings along)"
    code = shared.get(Stage.CONTINUOUS_INTEGRATION.value, {})
    if str(code.get("repository", "")).startswith("/"):
        yield f"Code is built as soon as it is pushed: git push {shlex.quote(code['repository'])} {code['branch']}"
    for environment in project.blueprint.environments:
        if environment in exports:
            yield from _of_environment(project, environment, exports[environment])
    if project.is_local:
        yield "All of it on one page: mlops-stacks open"


def _of_environment(project: Project, environment: str, exported: Mapping[str, Any]) -> Iterator[str]:
    if tracking := exported.get(Stage.EXPERIMENT_TRACKING.value, {}).get("ui_url"):
        yield f"MLflow of {environment}: {tracking}"
    settings = project.blueprint.scope(environment).settings
    endpoints = exported.get(Stage.SERVING.value, {}).get("endpoints", {})
    for model, address in endpoints.items():
        yield f"{model} is served in {environment}: {address}"
    trains = settings.stages.training_pipeline
    for model in settings.models:
        if model in endpoints or trains is None or trains.platform is not Platform.LOCAL:
            continue
        then = ""
        if settings.stages.serving is not None:
            then = f", then mlops-stacks release {model} latest_approved --environment {environment}"
        run = f"mlops-stacks run {model} --environment {environment}"
        yield f"{model} is not served in {environment} yet. Next: {run}{then}"
