"""What a stage's mapping may look at while its scope is composed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

import pulumi

from mlops_stacks.blueprint.delivery_lock import Delivered
from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.settings import Blueprint, Environment, Settings
from mlops_stacks.blueprint.stage_options import StageOptions
from mlops_stacks.blueprint.target import Target
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
from mlops_stacks.compose.contracts import SharedContracts
from mlops_stacks.compose.placement import is_in_scope
from mlops_stacks.project import Project


@dataclass
class Context:
    """One scope while it is composed. Contracts are added as their components are made; nothing flows backwards."""

    project: Project
    scope: str
    providers: Mapping[Platform, Sequence[pulumi.ProviderResource]]
    contracts: dict[Stage, Any] = field(default_factory=dict)

    @property
    def blueprint(self) -> Blueprint:
        """The whole blueprint."""
        return self.project.blueprint

    @property
    def environment(self) -> Environment:
        """The scope's part of the blueprint."""
        return self.blueprint.scope(self.scope)

    @property
    def settings(self) -> Settings:
        """The scope's settings."""
        return self.environment.settings

    @property
    def releases(self) -> Mapping[str, str]:
        """Model -> released version in this environment."""
        return self.project.releases.get(self.scope, {})

    @property
    def delivery(self) -> Delivered | None:
        """The pipeline package that was delivered to this environment, if any."""
        return self.project.deliveries.get(self.scope)

    @cached_property
    def _shared(self) -> SharedContracts:
        return SharedContracts(self.blueprint.stack(SHARED))

    def options(self, stage: Stage) -> Any:
        """The options of a stage that is there."""
        chosen: StageOptions | None = getattr(self.settings.stages, stage.value)
        if chosen is None:
            raise KeyError(stage)
        return chosen

    def target(self, platform: Platform) -> Target | None:
        """The scope's target on a platform."""
        return self.environment.target_on(platform)

    def resource_options(self, platform: Platform) -> pulumi.ResourceOptions:
        """Options of a component on a platform: its explicit providers."""
        return pulumi.ResourceOptions(providers=list(self.providers.get(platform, ())) or None)

    def contract(self, stage: Stage) -> Any | None:
        """The contract of an earlier stage: this scope's own, else the shared scope's, else None."""
        if stage in self.contracts:
            return self.contracts[stage]
        chosen: StageOptions | None = getattr(self.settings.stages, stage.value)
        if chosen is not None and self.scope != SHARED and is_in_scope(stage, chosen.platform, SHARED):
            return self._shared.read(stage)
        return None

    def shared_foundation(self) -> Any | None:
        """The foundation of the shared scope, seen from an environment."""
        return None if self.scope == SHARED else self._shared.read(Stage.FOUNDATION)


def load_component(engine: Engine, name: str) -> Any:
    """A component class of an engine. Imported here and now: nobody pays for, or installs, another cloud's SDK."""
    return getattr(import_module(engine.module), name)
