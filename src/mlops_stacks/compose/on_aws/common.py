"""What the mappings of every stage on AWS have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from mlops_components.grants import AwsGrant
from mlops_components.identity.aws import AwsIdentity, AwsIdentityArgs
from mlops_components.placement import AwsPlacement
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose.context import Context


def placement(context: Context) -> AwsPlacement:
    """Where a scope lives, and whose it is. Validation has made sure that there is a target."""
    target = _target(context)
    placed: AwsPlacement = {
        "blueprint": context.blueprint.name,
        "scope": context.scope,
        "account_id": target.account,
        "region": target.region,
        "tags": dict(context.settings.tags),
    }
    if context.settings.owners:
        placed["owner"] = context.settings.owners[0].email or context.settings.owners[0].name
    return placed


def _target(context: Context) -> AwsTarget:
    target = context.target(Platform.AWS)
    if not isinstance(target, AwsTarget):
        raise TypeError(f"scope {context.scope} has no target on aws")
    return target


def other_accounts(context: Context) -> list[str]:
    """Accounts of the blueprint's environments other than this scope's, each once."""
    targets = [e.target_on(Platform.AWS) for e in context.blueprint.environments.values()]
    accounts = {t.account for t in targets if isinstance(t, AwsTarget)}
    return sorted(accounts - {_target(context).account})


def lifecycle(context: Context, stage: Stage) -> str:
    """The component's word for the lifecycle of a stage."""
    return context.settings.lifecycle_of(stage).value


def identity(
    context: Context, stage: Stage, purpose: str, services: Sequence[str], grants: Sequence[AwsGrant]
) -> AwsIdentity:
    """A role for one purpose of a stage, made before the stage's component, with exactly these permissions."""
    foundation: Any = context.settings.stages.foundation
    boundary = getattr(foundation, "permission_boundary", None)
    args: AwsIdentityArgs = {
        "placement": placement(context),
        "purpose": purpose,
        "on_behalf_of": stage.value,
        "services": list(services),
        "grants": list(grants),
    }
    if boundary:
        args["permission_boundary"] = boundary
    return AwsIdentity(f"{stage.value.replace('_', '-')}-{purpose}", args, options(context))


def options(context: Context) -> pulumi.ResourceOptions:
    """Options of a component on AWS."""
    return context.resource_options(Platform.AWS)
