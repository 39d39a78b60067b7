"""A blueprint with its place on disk and its releases: all that a composition depends on. No pulumi here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlops_stacks.blueprint.delivery_lock import Delivered
from mlops_stacks.blueprint.settings import Blueprint
from mlops_stacks.blueprint.vocabulary import SHARED, Platform
from mlops_stacks.executors.names import PULUMI_PROJECT, StackIdentity


@dataclass(frozen=True)
class Project:
    """What the commands work on."""

    blueprint: Blueprint
    file: Path
    """The blueprint's file, absolute."""
    releases: Mapping[str, Mapping[str, str]]
    """Environment -> model -> version, from blueprint and release lock; without those whose release is `none`."""
    deliveries: Mapping[str, Delivered] = field(default_factory=dict)
    """Environment -> the pipeline package that it runs, from its delivery lock."""

    @property
    def root(self) -> Path:
        """Folder of the blueprint's file; relative paths are taken from here."""
        return self.file.parent

    @property
    def home(self) -> Path:
        """Where a laptop keeps everything of this blueprint."""
        return self.root / ".mlops-stacks" / self.blueprint.name

    @property
    def is_local(self) -> bool:
        """Whether every stage of every scope runs on this machine, so that the embedded executor will do."""
        scopes = (self.blueprint.scope(name) for name in self.blueprint.scopes)
        return all(chosen.platform is Platform.LOCAL for scope in scopes for _, chosen in scope.settings.stages.items())

    def identity(self, scope: str) -> StackIdentity:
        """The stack of a scope."""
        return StackIdentity(PULUMI_PROJECT, self.blueprint.stack(scope), self.root)

    def scopes(self, environment: str | None) -> tuple[str, ...]:
        """The scopes that an environment needs, in order; without one, all. Raises `UnknownEnvironmentError`."""
        if environment is None:
            return self.blueprint.scopes
        if environment not in self.blueprint.scopes:
            raise UnknownEnvironmentError(environment, tuple(self.blueprint.environments))
        return (SHARED,) if environment == SHARED else (SHARED, environment)


class UnknownEnvironmentError(Exception):
    """An environment was asked for that the blueprint does not have."""

    def __init__(self, asked: str, known: tuple[str, ...]) -> None:
        super().__init__(f"the blueprint has no environment `{asked}`; it has {', '.join(known)}")
