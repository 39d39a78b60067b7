"""Releases: which version an environment serves. Decided here and written to the release lock, never by `up`."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path

from mlops_stacks.blueprint.release_lock import lock_path, read_lock, write_lock
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.registry import ModelRegistry, Version, registry_of
from mlops_stacks.project import Project

LATEST = "latest_approved"


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


def approve(project: Project, executor: Executor, model: str, number: int) -> str:
    """Record that the user of this session lets a version serve. Returns who that is."""
    registry = registry_of(project, executor)
    version = registry.version(model, number)
    who = approver()
    registry.writable().approve(registry.name(model), str(version.number), who)
    return who


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


def refuse_rejected(project: Project, executor: Executor, environment: str) -> None:
    """Raise `ReleaseError` where an environment's release was rejected in the meantime."""
    releases = project.releases.get(environment, {})
    if not releases or project.blueprint.shared.settings.stages.model_registry is None:
        return
    registry = registry_of(project, executor)
    for model, number in releases.items():
        version = registry.version(model, int(number))
        if version.approval == "rejected":
            raise ReleaseError(
                f"version {number} of {model}, which {environment} is to serve, was rejected{_because(version)}: "
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
    models = project.blueprint.scope(environment).settings.models
    if model not in models:
        raise ReleaseError(f"{environment} has no model `{model}`; it has {', '.join(sorted(models)) or 'none'}")
    configured = models[model].release
    if configured == "none":
        raise ReleaseError(
            f"the blueprint says `release: none` for {model} in {environment}: write `release: {LATEST}` there first"
        )
    return configured


def _resolved(registry: ModelRegistry, model: str, asked: str) -> Version:
    if asked == LATEST:
        for version in registry.versions(model):
            if version.approval == "approved":
                return version
        raise ReleaseError(
            f"no version of {model} is approved: see `mlops-stacks versions {model}`, then `mlops-stacks approve`"
        )
    if not asked.isascii() or not asked.isdigit():
        raise ReleaseError(f"`{asked}` is no version: write a number or {LATEST}")
    return registry.version(model, int(asked))
