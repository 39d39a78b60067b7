"""`status`: what a blueprint is at the moment, as one document. Whatever cannot be asked is said so in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from mlops_stacks.blueprint.release_lock import read_lock
from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.executors.protocol import Executor, NotDeployedError
from mlops_stacks.operations.deployed import is_healthy, programs, runs
from mlops_stacks.operations.packages import recent
from mlops_stacks.operations.registry import ModelRegistry, RegistryError
from mlops_stacks.operations.watching import watched_models
from mlops_stacks.project import Project

_LAST_RUNS = 5
_LAST_PACKAGES = 5


def status(project: Project, executor: Executor, environment: str | None) -> dict[str, Any]:
    """Stages, processes, endpoints, models, last runs, packages and drift of an environment, or of all."""
    scopes = project.scopes(environment)
    exports = {scope: _exports(project, executor, scope) for scope in scopes}
    return {
        "blueprint": project.blueprint.name,
        "file": str(project.file),
        "stages": _stages(project, exports),
        "processes": [
            {
                "scope": program.scope,
                "stage": program.stage,
                "name": program.name,
                "state": program.state(),
                "pids": program.pids(),
                "log": str(program.log),
            }
            for program in programs(project, executor, scopes)
        ],
        "endpoints": _endpoints(exports),
        "models": _models(project, exports),
        "runs": _runs(exports),
        "monitoring": watched_models(project, exports),
        "packages": [asdict(line) for line in recent(project, executor)[:_LAST_PACKAGES]],
    }


def _exports(project: Project, executor: Executor, scope: str) -> Mapping[str, Any] | None:
    """What a scope exports, None where it is not deployed."""
    try:
        return executor.outputs(project.blueprint.stack(scope))
    except NotDeployedError:
        return None


def _stages(project: Project, exports: Mapping[str, Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    """Each stage of each scope in which the blueprint has it, in display order."""
    found = []
    for scope, exported in exports.items():
        chosen = project.blueprint.scope(scope).settings.stages
        for stage in Stage:
            options = getattr(chosen, stage.value)
            if options is not None and (stage.value in (exported or {}) or _expected(project, stage, scope)):
                there = stage.value in (exported or {})
                found.append(
                    {
                        "scope": scope,
                        "stage": stage.value,
                        "engine": options.engine,
                        "platform": options.platform.value,
                        "deployed": there,
                    }
                )
    return found


def _expected(project: Project, stage: Stage, scope: str) -> bool:
    from mlops_stacks.compose.placement import is_in_scope

    options = getattr(project.blueprint.scope(scope).settings.stages, stage.value)
    return is_in_scope(stage, options.platform, scope)


def _endpoints(exports: Mapping[str, Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    found = []
    for scope, exported in exports.items():
        serving = (exported or {}).get(Stage.SERVING.value, {})
        for model, address in serving.get("endpoints", {}).items():
            by_http = str(address).startswith(("http://", "https://"))
            ready = is_healthy(f"{address}/v2/health/ready") if by_http else None
            version = serving.get("versions", {}).get(model)
            found.append({"environment": scope, "model": model, "version": version, "address": address, "ready": ready})
    return found


def _models(project: Project, exports: Mapping[str, Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    """Each model: its newest versions in the registry, and its release in each environment."""
    shared = exports.get(SHARED) or {}
    contract = shared.get(Stage.MODEL_REGISTRY.value)
    registry = (
        None if contract is None else ModelRegistry(contract["registry_uri"], None, contract["registered_models"])
    )
    names = {name for scope in project.blueprint.scopes for name in project.blueprint.scope(scope).settings.models}
    return [
        {
            "model": name,
            "releases": _per_environment(project, lambda environment, name=name: _release(project, environment, name)),  # type: ignore[misc]
            **_versions(registry, name, _judged_by(project, name)),
        }
        for name in sorted(names)
    ]


def _versions(registry: ModelRegistry | None, model: str, judged_by: tuple[str, ...]) -> dict[str, Any]:
    if registry is None or model not in registry.names:
        return {"versions": [], "problem": None}
    try:
        found = [version.as_json() for version in registry.versions(model)]
    except RegistryError as error:
        return {"versions": [], "problem": str(error)}
    for version in found:
        # The page has room for few: first come those that somebody asked for.
        first = {name: version["metrics"][name] for name in judged_by if name in version["metrics"]}
        version["metrics"] = {**first, **version["metrics"]}
    return {"versions": found, "problem": None}


def _judged_by(project: Project, model: str) -> tuple[str, ...]:
    """The metrics by which the blueprint accepts a version, in its order."""
    found: dict[str, None] = {}
    for environment in project.blueprint.environments:
        models = project.blueprint.scope(environment).settings.models
        acceptance = models[model].acceptance if model in models else {}
        found |= {threshold["metric"]: None for threshold in acceptance.get("thresholds", [])}
        if compared := acceptance.get("better_than_serving"):
            found[compared] = None
    return tuple(found)


def _per_environment(project: Project, value: Callable[[str], Any]) -> dict[str, Any]:
    return {environment: value(environment) for environment in project.blueprint.environments}


def _release(project: Project, environment: str, model: str) -> int | str | None:
    """The version that the blueprint, or the release lock, says; None: nothing is to be served."""
    models = project.blueprint.scope(environment).settings.models
    configured = models[model].release if model in models else "none"
    if configured == "none":
        return None
    if configured != "latest_approved":
        return configured
    entry = read_lock(project.root, project.blueprint.name, environment).models.get(model)
    return entry.version if entry else None


def _runs(exports: Mapping[str, Mapping[str, Any] | None]) -> list[dict[str, Any]]:
    found = []
    for scope, exported in exports.items():
        for run in runs(exported or {})[:_LAST_RUNS]:
            keys = ("run_id", "pipeline", "state", "trigger", "started", "ended", "error", "result", "folder")
            found.append({"environment": scope, **{key: run.get(key) for key in keys}})
    return found
