"""The release lock: which version of each model an environment serves, as a small file under version control.

`releases/<blueprint>/<environment>.yaml` lies beside the blueprint. `mlops-stacks release` and continuous delivery
write it; `up` only reads it, so that nothing is released by the way. An automatic rollback writes the version before
and keeps the rejected one on record, which is then refused until a person releases another.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mlops_stacks.blueprint.base import Key, Model
from mlops_stacks.blueprint.loading import LoadedBlueprint, in_order
from mlops_stacks.blueprint.lock_files import Moment, moment, printable, read_lock_file, write_lock_file
from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.problems import BlueprintError, FieldPath, Problem

Version = Annotated[int, Field(ge=1)]

_HEADER = "# Which versions are served. Written by `mlops-stacks release`; keep it under version control.\n"


class Rejection(Model):
    """A version that must not be served."""

    version: Version
    reason: str
    rejected_at: Moment


class Released(Model):
    """What is on record about one model in one environment."""

    version: Version | None = None
    """The version that is served; null: none."""
    approved_by: str | None = None
    released_at: Moment | None = None
    previous: Version | None = None
    """The version that comes back if this one is rejected."""
    rejected: tuple[Rejection, ...] = ()

    def rejection_of(self, version: int) -> Rejection | None:
        """Why a version must not be served, if so."""
        return next((rejection for rejection in self.rejected if rejection.version == version), None)


class ReleaseLock(Model):
    """The releases of one environment."""

    models: dict[Key, Released] = Field(default_factory=dict)

    def released(self, model: str, version: int, approved_by: str, at: datetime | None = None) -> ReleaseLock:
        """The lock after a release; raises `BlueprintError` if the version was rejected here before."""
        before = self.models.get(model, Released())
        _refuse_rejected(model, version, before)
        previous = before.previous if before.version == version else before.version
        changes = {"version": version, "approved_by": printable(approved_by), "released_at": moment(at)}
        return self._with(model, before.model_copy(update={**changes, "previous": previous}))

    def rejecting(self, model: str, version: int, reason: str, at: datetime | None = None) -> ReleaseLock:
        """The lock after a version was rejected; if it was served, the one before comes back, unless rejected too."""
        before = self.models.get(model, Released())
        rejection = Rejection(version=version, reason=printable(reason), rejected_at=moment(at))
        others = tuple(other for other in before.rejected if other.version != version)
        after = before.model_copy(update={"rejected": (*others, rejection)})
        if after.previous is not None and after.rejection_of(after.previous):
            after = after.model_copy(update={"previous": None})
        if after.version == version:
            after = after.model_copy(update={"version": after.previous, "previous": None, "released_at": moment(at)})
        return self._with(model, after)

    def lifted(self, model: str, known: Collection[int] | None) -> ReleaseLock:
        """The lock without a release of a model; of rejections stay those of `known` versions, None: all of them."""
        before = self.models.get(model, Released())
        kept = tuple(each for each in before.rejected if known is None or each.version in known)
        return self._with(model, Released(rejected=kept) if kept else None)

    def accepting(self, model: str, version: int) -> ReleaseLock:
        """The lock after somebody approved a version that was rejected here."""
        before = self.models.get(model, Released())
        others = tuple(other for other in before.rejected if other.version != version)
        return self._with(model, before.model_copy(update={"rejected": others}))

    def _with(self, model: str, entry: Released | None) -> ReleaseLock:
        others = {name: released for name, released in self.models.items() if name != model}
        return self.model_copy(update={"models": {**self.models, model: entry} if entry is not None else others})


def resolve_release(name: str, model: ModelConfig, entry: Released | None) -> str | None:
    """The version of model `name` that an environment serves: None, or a version of the registry.

    `latest_approved` means what the lock says, and nothing as long as it says nothing. Raises `BlueprintError` where
    the version was rejected.
    """
    if model.release == "none":
        return None
    version = (entry.version if entry else None) if model.release == "latest_approved" else model.release
    if version is None:
        return None
    _refuse_rejected(name, version, entry or Released())
    return str(version)


def resolve_releases(loaded: LoadedBlueprint, environment: str) -> dict[str, str | None]:
    """The version of each model of an environment; raises `BlueprintError` with every refused one, with its line."""
    lock = read_lock(loaded.root, loaded.blueprint.name, environment)
    versions: dict[str, str | None] = {}
    problems: list[Problem] = []
    for name, model in loaded.blueprint.scope(environment).settings.models.items():
        try:
            versions[name] = resolve_release(name, model, lock.models.get(name))
        except BlueprintError as error:
            overlay: FieldPath = ("environments", environment)
            path = error.problems[0].path
            written = loaded.tree.has((*overlay, *path))
            problems += [
                loaded.located(replace(problem, path=(*overlay, *path) if written else path))
                for problem in error.problems
            ]
    if problems:
        raise BlueprintError(in_order(problems))
    return versions


def lock_path(root: Path, blueprint: str, environment: str) -> Path:
    """Where the lock of an environment lies; `root` is the blueprint's folder."""
    return root / "releases" / blueprint / f"{environment}.yaml"


def read_lock(root: Path, blueprint: str, environment: str) -> ReleaseLock:
    """The lock of an environment, empty if there is no file yet; raises `BlueprintError` if it cannot be understood."""
    return read_lock_file(lock_path(root, blueprint, environment), "release lock", ReleaseLock)


def write_lock(root: Path, blueprint: str, environment: str, lock: ReleaseLock) -> Path:
    """Writes the lock, whole or not at all; returns its path. Raises OSError where the folder cannot be written to."""
    return write_lock_file(lock_path(root, blueprint, environment), _HEADER, lock)


def _refuse_rejected(name: str, version: int, entry: Released) -> None:
    rejection = entry.rejection_of(version)
    if rejection:
        raise BlueprintError(
            [
                Problem(
                    ("models", name, "release"),
                    f"version {version} was rejected on {rejection.rejected_at[:10]}: {rejection.reason}",
                    f"release another version: `mlops-stacks release {name} <version>`",
                )
            ]
        )
