"""One scope of a blueprint as a Pulumi program: components in composition order, contracts exported once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose import overrides
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.contracts import export_contract
from mlops_stacks.compose.placement import is_in_scope
from mlops_stacks.compose.targets import providers_of
from mlops_stacks.project import Project

Mapping = Callable[[Context], Any]


@cache
def mapping_of(stage: Stage, platform: Platform) -> Mapping:
    """What turns a stage's part of the blueprint into a component: `build` of a module per platform and stage.

    Imported here and now: nobody pays for, or installs, the SDK of a cloud that the blueprint does not name.
    """
    build: Mapping = import_module(f"mlops_stacks.compose.on_{platform}.{stage}").build
    return build


def teams_of(platform: Platform) -> Callable[[Context], None]:
    """What gives the teams of a scope their access, once all of its stages are there."""
    build: Callable[[Context], None] = import_module(f"mlops_stacks.compose.on_{platform}.teams").build
    return build


def compose(project: Project, scope: str) -> None:
    """Register every component of a scope. Runs inside a Pulumi program, whoever executes it."""
    environment = project.blueprint.scope(scope)
    overrides.install(environment.settings.overrides)
    context = Context(project, scope, providers_of(environment, scope))
    for stage, chosen in environment.settings.stages.items():
        if is_in_scope(stage, chosen.platform, scope):
            component = mapping_of(stage, chosen.platform)(context)
            context.contracts[stage] = component
            export_contract(stage, component)
    if environment.settings.access:
        for platform in context.providers:
            teams_of(platform)(context)
