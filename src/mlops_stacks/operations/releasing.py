"""Releases: which version an environment serves. Decided here and written to the release lock, never by `up`."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path

from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.release_lock import lock_path, read_lock, write_lock
from mlops_stacks.executors.protocol import Executor, NotDeployedError
from mlops_stacks.operations.registry import ModelRegistry, RegistryError, Version, registry_of
from mlops_stacks.project import Project

LATEST = "latest_approved"
NONE = "none"
"""Asked for instead of a version: an environment's release is lifted."""


class ReleaseError(Exception):
    """A version cannot be released; the sentence says why and what to do."""


@dataclass(frozen=True)
class Released:
    """What a release came to."""

    version: int
    previous: int | None
    """The version before, None before the first release."""
    lock: Path

    @property
    def changed(self) -> bool:
        """Whether the lock says something new."""
        return self.previous != self.version


@dataclass(frozen=True)
class WentBack:
    """An environment whose release was the rejected version."""

    environment: str
    version: int | None
    """The version that is its release now; None: nothing is served."""
    lock: Path


@dataclass(frozen=True)
class Lifted:
    """What became of a release that was lifted."""

    previous: int | None
    """The version that was the release; None: there was none."""
    lock: Path


@dataclass(frozen=True)
class Approved:
    """An approval that is on record."""

    by: str
    unlocked: tuple[Path, ...]
    """Release locks in which the version was rejected, and no longer is."""


def release(project: Project, executor: Executor, model: str, asked: str, environment: str, approve: bool) -> Released:
    """Resolve a version, refuse one that may not serve, and write it to the environment's lock."""
    configured = _configured(project, model, environment)
    registry = registry_of(project, executor)
    version = _resolved(registry, model, asked)
    if configured not in (LATEST, version.number):
        raise ReleaseError(
            f"the blueprint says `release: {configured}` for {model} in {environment}, so the lock would not count: "
            f"write `release: {LATEST}` there"
        )
    if version.approval == "rejected":
        raise ReleaseError(f"version {version.number} of {model} was rejected{_because(version)}: release another one")
    by = version.approved_by or approver()
    lock = read_lock(project.root, project.blueprint.name, environment)
    before = lock.models.get(model)
    path = lock_path(project.root, project.blueprint.name, environment)
    # Made before anything is recorded: it refuses a version that this environment went back from.
    after = lock.released(model, version.number, by)
    if version.approval != "approved":
        _approve_now(registry, model, version, approve)
    if before is None or before.version != version.number:
        path = write_lock(project.root, project.blueprint.name, environment, after)
    if environment == _production(project):
        registry.writable().released(registry.name(model), str(version.number))
    return Released(version.number, before.version if before else None, path)


def _approve_now(registry: ModelRegistry, model: str, version: Version, wanted: bool) -> None:
    if not wanted:
        raise ReleaseError(
            f"version {version.number} of {model} is not approved: "
            f"`mlops-stacks approve {model} {version.number}`, or add --approve"
        )
    registry.writable().approve(registry.name(model), str(version.number), approver())


def lift(project: Project, executor: Executor, model: str, environment: str) -> Lifted:
    """Take a release out of the environment's lock, with rejections of versions that the registry does not have.

    It works without a registry too, since a lock must not need what is gone; rejections all stay then.
    """
    _known_model(project, model, environment)
    root, name = project.root, project.blueprint.name
    lock = read_lock(root, name, environment)
    try:
        known = {version.number for version in registry_of(project, executor).versions(model)}
    except (NotDeployedError, RegistryError):
        known = None
    after, path = lock.lifted(model, known), lock_path(root, name, environment)
    if after != lock:
        write_lock(root, name, environment, after)
    before = lock.models.get(model)
    return Lifted(before.version if before else None, path)


def approve(project: Project, executor: Executor, model: str, number: int) -> Approved:
    """Record that the user of this session lets a version serve, also where it was rejected before."""
    registry = registry_of(project, executor)
    version = registry.version(model, number)
    who = approver()
    registry.writable().approve(registry.name(model), str(version.number), who)
    root, name = project.root, project.blueprint.name
    locks = {environment: read_lock(root, name, environment) for environment in project.blueprint.environments}
    return Approved(
        who,
        tuple(
            write_lock(root, name, environment, lock.accepting(model, number))
            for environment, lock in locks.items()
            if model in lock.models and lock.models[model].rejection_of(number)
        ),
    )


def reject(project: Project, executor: Executor, model: str, number: int, reason: str) -> list[WentBack]:
    """Record that a version must not serve; environments that have it as their release go back to the one before."""
    registry = registry_of(project, executor)
    version = registry.version(model, number)
    registry.writable().reject(registry.name(model), str(version.number), reason)
    went_back: list[WentBack] = []
    name = project.blueprint.name
    for environment in project.blueprint.environments:
        lock = read_lock(project.root, name, environment)
        if model in lock.models and lock.models[model].version == number:
            after = lock.rejecting(model, number, reason)
            path = write_lock(project.root, name, environment, after)
            went_back.append(WentBack(environment, after.models[model].version, path))
    return went_back


def refuse_rejected(version: Version, model: str, environment: str) -> None:
    """Raise `ReleaseError` where an environment's release was rejected in the meantime."""
    if version.approval == "rejected":
        raise ReleaseError(
            f"version {version.number} of {model}, which {environment} is to serve, was rejected{_because(version)}: "
            f"`mlops-stacks release {model} <version> --environment {environment}` with another one"
        )


def approver() -> str:
    """Who approves: the user of this session."""
    return getpass.getuser()


def _because(version: Version) -> str:
    return f" ({version.rejected_because})" if version.rejected_because else ""


def _production(project: Project) -> str:
    """The last environment in the order of promotion: what is released there is in production."""
    return tuple(project.blueprint.environments)[-1]


def _configured(project: Project, model: str, environment: str) -> str | int:
    configured = _known_model(project, model, environment).release
    if configured == "none":
        raise ReleaseError(
            f"the blueprint says `release: none` for {model} in {environment}: write `release: {LATEST}` there first"
        )
    return configured


def _known_model(project: Project, model: str, environment: str) -> ModelConfig:
    models = project.blueprint.scope(environment).settings.models
    if model not in models:
        raise ReleaseError(f"{environment} has no model `{model}`; it has {', '.join(sorted(models)) or 'none'}")
    return models[model]


def _resolved(registry: ModelRegistry, model: str, asked: str) -> Version:
    if asked == LATEST:
        for version in registry.versions(model):
            if version.approval == "approved":
                return version
        raise ReleaseError(
            f"no version of {model} is approved: see `mlops-stacks versions {model}`, then `mlops-stacks approve`"
        )
    if not asked.isascii() or not asked.isdigit():
        raise ReleaseError(f"`{asked}` is no version: write a number, {LATEST} or {NONE}")
    return registry.version(model, int(asked))
