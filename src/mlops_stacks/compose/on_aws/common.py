"""What the mappings of every stage on AWS have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from mlops_components.grants import AwsGrant
from mlops_components.identity.aws import AwsIdentity, AwsIdentityArgs
from mlops_components.identity.aws_trust import AwsFederation
from mlops_components.placement import AwsPlacement
from mlops_components.spec.settings import SecretRef
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.aws_stages.network import SkipNetwork
from mlops_stacks.blueprint.settings import SecretFromManager
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
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
    context: Context,
    stage: Stage,
    purpose: str,
    services: Sequence[str],
    grants: Sequence[AwsGrant],
    *,
    principals: Sequence[str] = (),
    federations: Sequence[AwsFederation] = (),
    from_any_source: bool = False,
    keeps_source_identity: bool = False,
) -> AwsIdentity:
    """A role for one purpose of a stage, made before the stage's component, with exactly these permissions.

    Besides services, principals (ARNs) and tokens of CI systems (`federations`) may be let assume it. The last two say
    how services come: see `AwsIdentityArgs`.
    """
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
    if principals:
        args["principals"] = list(principals)
    if federations:
        args["federations"] = list(federations)
    if from_any_source:
        args["from_any_source"] = True
    if keeps_source_identity:
        args["keeps_source_identity"] = True
    return AwsIdentity(f"{stage.value.replace('_', '-')}-{purpose}", args, options(context))


def network(context: Context) -> dict[str, Any] | None:
    """Where jobs, endpoints and notebooks of an environment run; None in networks that AWS manages."""
    if context.scope == SHARED or isinstance(_foundation(context).network, SkipNetwork):
        return None
    foundation: Any = context.contract(Stage.FOUNDATION)
    return {"subnet_ids": foundation.subnet_ids, "security_group_ids": [foundation.security_group_id]}


def grants_of_network(context: Context) -> list[AwsGrant]:
    """What a role needs besides, for what runs in the network; nothing where there is none."""
    if network(context) is None:
        return []
    foundation: Any = context.contract(Stage.FOUNDATION)
    return list(foundation.grant_network_interfaces())


def secrets(context: Context) -> dict[str, SecretRef]:
    """Where the steps find their secrets: in Secrets Manager, as validation has made sure."""
    return {
        variable: {"source": "manager", "key": secret.name}
        for variable, secret in sorted(context.settings.secrets.items())
        if isinstance(secret, SecretFromManager)
    }


def news(context: Context) -> dict[str, list[str]]:
    """Kind of news -> the addresses that are told, for the kinds that there are in a scope."""
    told: dict[str, list[str]] = {}
    for notification in context.settings.notifications:
        for kind in notification.on:
            if kind in (_NEWS_OF_DELIVERY if context.scope == SHARED else _NEWS_OF_ENVIRONMENTS):
                told.setdefault(kind, []).append(notification.email)
    return {kind: sorted(set(told[kind])) for kind in sorted(told)}


_NEWS_OF_DELIVERY = ("success", "failure", "approval")
_NEWS_OF_ENVIRONMENTS = ("success", "failure", "alarm", "budget")
"""Nothing is served in the shared scope, and its costs are no environment's; nothing is asked but there."""


def topic(context: Context, kind: str) -> pulumi.Output[str] | None:
    """The topic of a kind of news (`success`, `failure`, `alarm`, `budget`); None where nobody is told of it."""
    if kind not in news(context):
        return None
    foundation: Any = context.contract(Stage.FOUNDATION)
    arn: pulumi.Output[str] = foundation.topic_arns.apply(lambda arns: arns[kind])
    return arn


def _foundation(context: Context) -> AwsFoundation:
    chosen: AwsFoundation = context.options(Stage.FOUNDATION)
    return chosen


def options(context: Context) -> pulumi.ResourceOptions:
    """Options of a component on AWS."""
    return context.resource_options(Platform.AWS)
