"""Locks whose versions or packages are gone: a registry that was destroyed, or one that never was on this machine.

A lock that names what nobody has must not stand in the way of `up`: until there is something to release again, the
environment does without. Locks whose registry goes with `destroy` go with it, since numbers begin at one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.delivery_lock import delivery_lock_path
from mlops_stacks.blueprint.release_lock import lock_path
from mlops_stacks.blueprint.vocabulary import SHARED, Lifecycle, Platform, Stage
from mlops_stacks.executors.protocol import DestroyResult, Executor, NotDeployedError
from mlops_stacks.operations.registry import registry_of
from mlops_stacks.operations.releasing import ReleaseError, refuse_rejected
from mlops_stacks.project import Project
from mlops_stacks.runtime.delivery.stores import FolderStore

_PACKAGE_STAGES = (Stage.PIPELINE_DELIVERY, Stage.CONTINUOUS_INTEGRATION)


def usable(project: Project, executor: Executor, environment: str) -> tuple[Project, tuple[str, ...]]:
    """The project without what an environment's locks name and nobody has, and a sentence on each.

    Raises `ReleaseError` where a release was rejected in the meantime, or is served and no longer known: what serves is
    not taken away because a registry lost it.
    """
    project, releases = _with_known_versions(project, executor, environment)
    project, deliveries = _with_known_package(project, executor, environment)
    return project, (*releases, *deliveries)


def _with_known_versions(project: Project, executor: Executor, environment: str) -> tuple[Project, list[str]]:
    releases = project.releases.get(environment, {})
    if not releases or project.blueprint.shared.settings.stages.model_registry is None:
        return project, []
    registry = registry_of(project, executor)
    known: dict[str, str] = {}
    sentences: list[str] = []
    for model, number in releases.items():
        versions = {version.number: version for version in registry.versions(model)}
        if int(number) in versions:
            refuse_rejected(versions[int(number)], model, environment)
            known[model] = number
        else:
            sentence = _no_version(project, environment, model, number, versions)
            if model in _served(project, executor, environment):
                raise ReleaseError(sentence)
            sentences.append(f"{model} is not served in {environment}: {sentence}")
    return replace(project, releases={**project.releases, environment: known}), sentences


def _no_version(project: Project, environment: str, model: str, number: str, known: Iterable[int]) -> str:
    there = ", ".join(map(str, known))
    fixed = project.blueprint.scope(environment).settings.models[model].release != "latest_approved"
    lift = "change `release` in the blueprint" if fixed else f"mlops-stacks release {model} none -e {environment}"
    another = f"mlops-stacks release {model} <version> -e {environment}" if there else f"mlops-stacks run {model}"
    return (
        f"the registry has no version {number} of {model}, which is the release of {environment} "
        f"(it has {there or 'none yet'}). Next: {another}, or lift the release: {lift}"
    )


def _served(project: Project, executor: Executor, environment: str) -> Mapping[str, Any]:
    """The models that an environment serves now, by what it exports."""
    try:
        exported = executor.outputs(project.blueprint.stack(environment))
    except NotDeployedError:
        return {}
    served: Mapping[str, Any] = (exported.get(Stage.SERVING.value) or {}).get("versions") or {}
    return served


def _with_known_package(project: Project, executor: Executor, environment: str) -> tuple[Project, list[str]]:
    delivered = project.deliveries.get(environment)
    folder = None if delivered is None else _package_folder(_exported(project, executor))
    if delivered is None or folder is None:
        return project, []
    package = FolderStore(folder).package(delivered.version)
    if package is not None and package.sha256 == delivered.sha256:
        return project, []
    others = {name: each for name, each in project.deliveries.items() if name != environment}
    sentence = (
        f"{environment} runs the workload's own folder: package {delivered.version} of commit {delivered.commit[:12]}, "
        f"which was delivered to it, is not in {folder}. Next: push a commit and deliver its package, or "
        f'mlops-stacks withdraw -e {environment} --reason "it is gone"'
    )
    return replace(project, deliveries=others), [sentence]


def named_by_locks(project: Project, executor: Executor, scope: str) -> Mapping[str, Any]:
    """What a scope exports, of what locks name; nothing where it has none of it, or is not deployed to its end."""
    return _exported(project, executor) if scope == SHARED else {}


def forget(project: Project, exported: Mapping[str, Any], scope: str, done: DestroyResult) -> tuple[str, ...]:
    """Remove the locks that name what went with the shared scope; a sentence on each. `exported` is from before.

    A `destroy` that was cut off leaves nothing exported: then what the next one still finds says that there was a
    scope. Where there never was one, the locks are somebody else's business.
    """
    if scope != SHARED or not (exported or done.deleted):
        return ()
    registry, packages = _registry_is_gone(project, done), _packages_are_gone(project, exported, done)
    gone: list[tuple[Path, str]] = []
    for environment in project.blueprint.environments:
        if registry:
            path = lock_path(project.root, project.blueprint.name, environment)
            gone.append((path, "the registry with its versions is gone"))
        if packages:
            path = delivery_lock_path(project.root, project.blueprint.name, environment)
            gone.append((path, "the packages are gone"))
    return tuple(f"{_removed(path)} was removed: {why}" for path, why in gone if path.is_file())


def _removed(path: Path) -> Path:
    path.unlink()
    for folder in (path.parent, path.parent.parent):
        if any(folder.iterdir()):
            break
        folder.rmdir()
    return path


def _registry_is_gone(project: Project, done: DestroyResult) -> bool:
    """By what the blueprint says, and by what the executor says that it has left."""
    there = project.blueprint.shared.settings.stages.model_registry is not None
    return there and _goes(project, Stage.MODEL_REGISTRY) and not _is_left("model-registry", done)


def _packages_are_gone(project: Project, exported: Mapping[str, Any], done: DestroyResult) -> bool:
    """A folder is looked at; a bucket goes with the foundation that made it."""
    stages = project.blueprint.shared.settings.stages
    keeper = next((stage for stage in _PACKAGE_STAGES if getattr(stages, stage.value) is not None), None)
    if keeper is None:
        return False
    if getattr(stages, keeper.value).platform is Platform.LOCAL:
        folder = _package_folder(exported)
        return _goes(project, keeper) if folder is None else not folder.exists()
    bucket = getattr(stages.foundation, "artifacts_bucket", None)
    adopted = getattr(bucket, "mode", "create") == "adopt"
    return not adopted and _goes(project, Stage.FOUNDATION) and not _is_left("artifacts", done)


def _is_left(name: str, done: DestroyResult) -> bool:
    return any(name in sentence for sentence in done.remaining)


def _goes(project: Project, stage: Stage) -> bool:
    """Whether what a stage keeps in the shared scope goes with it."""
    return project.blueprint.shared.settings.lifecycle_of(stage) is Lifecycle.DELETE


def _package_folder(exported: Mapping[str, Any]) -> Path | None:
    """Where the packages are, if on this machine."""
    found = (exported.get(stage.value, {}).get("packages") for stage in _PACKAGE_STAGES)
    place = next((place for place in found if place), None)
    return None if place is None or "://" in place else Path(place)


def _exported(project: Project, executor: Executor) -> Mapping[str, Any]:
    try:
        return executor.outputs(project.blueprint.stack(SHARED))
    except NotDeployedError:
        return {}
