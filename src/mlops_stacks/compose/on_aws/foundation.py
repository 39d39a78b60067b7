"""Blueprint -> foundation."""

from __future__ import annotations

from typing import Any

from mlops_components.foundation.aws import foundation as components
from mlops_components.identity.aws_trust import GITHUB_ISSUER, GITLAB_ISSUER
from mlops_stacks.blueprint.aws_stages.audit import AdoptOidc, AdoptTrail, CreateOidc, CreateTrail
from mlops_stacks.blueprint.aws_stages.foundation import AdoptBucket, AdoptKey, AwsFoundation, CreateBucket, CreateKey
from mlops_stacks.blueprint.aws_stages.serving import LambdaServing
from mlops_stacks.blueprint.settings import SecretFromManager
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common
from mlops_stacks.compose.on_aws.network import network_choice


def build(context: Context) -> Any:
    """The foundation of a scope."""
    chosen: AwsFoundation = context.options(Stage.FOUNDATION)
    everywhere: dict[str, Any] = {
        "placement": common.placement(context),
        "key": _key(chosen),
        "reader_account_ids": common.other_accounts(context),
        "logs": _bucket(chosen.logs_bucket),
        "old_versions_days": chosen.old_versions_days,
        "topics": {kind: {"emails": emails} for kind, emails in common.news(context).items()},
        "lifecycle": common.lifecycle(context, Stage.FOUNDATION),
    }
    args = everywhere | (_shared(context, chosen) if context.scope == SHARED else _of_environment(context, chosen))
    component = components.AwsSharedFoundation if context.scope == SHARED else components.AwsFoundation
    return component("foundation", args, common.options(context))  # type: ignore[arg-type]


def _shared(context: Context, chosen: AwsFoundation) -> dict[str, Any]:
    delivers = context.settings.stages.continuous_integration or context.settings.stages.pipeline_delivery
    limit = {} if chosen.keep_images is None else {"keep_tagged": chosen.keep_images}
    return {
        **limit,
        "function_account_ids": _accounts_of_functions(context),
        "untagged_days": chosen.untagged_images_days,
        "artifacts": {"choice": "create" if delivers and delivers.platform is Platform.AWS else "skip"},
        "oidc": _oidc(context, chosen),
    }


def _accounts_of_functions(context: Context) -> list[str]:
    """Accounts of the environments that serve with Lambda, each once."""
    scopes = [context.blueprint.scope(name) for name in context.blueprint.environments]
    targets = [s.target_on(Platform.AWS) for s in scopes if isinstance(s.settings.stages.serving, LambdaServing)]
    return sorted({target.account for target in targets if isinstance(target, AwsTarget)})


def _of_environment(context: Context, chosen: AwsFoundation) -> dict[str, Any]:
    return {
        "artifacts": _bucket(chosen.artifacts_bucket),
        "data": _bucket(chosen.data_bucket),
        "capture": _bucket(chosen.capture_bucket),
        "network": network_choice(context, chosen),
        "trail": _trail(chosen.trail),
        "secrets": sorted(s.name for s in context.settings.secrets.values() if isinstance(s, SecretFromManager)),
        **({"budget": chosen.budget.model_dump(mode="json")} if chosen.budget else {}),
    }


def _oidc(context: Context, chosen: AwsFoundation) -> dict[str, Any]:
    builder = context.settings.stages.continuous_integration
    providers: dict[str, Any] = {}
    for system, (engine, url) in _CI_SYSTEMS.items():
        wanted = chosen.github_oidc if system == "github" else chosen.gitlab_oidc
        if wanted is None and builder is not None and builder.engine == engine and builder.platform is Platform.AWS:
            wanted = CreateOidc()
        if isinstance(wanted, AdoptOidc):
            providers[system] = {"choice": "adopt", "arn": wanted.arn}
        elif wanted is not None:
            providers[system] = {"choice": "create", "url": wanted.url or url}
    return providers


_CI_SYSTEMS = {
    "github": ("github_actions", f"https://{GITHUB_ISSUER}"),
    "gitlab": ("gitlab_ci", f"https://{GITLAB_ISSUER}"),
}
"""CI system -> the engine that builds there, and the address of its tokens."""


def _trail(trail: Any) -> dict[str, Any]:
    if isinstance(trail, CreateTrail):
        return {"choice": "create", "management_events": trail.management_events}
    if isinstance(trail, AdoptTrail):
        return {"choice": "adopt", "arn": trail.arn}
    return {"choice": "skip"}


def _key(chosen: AwsFoundation) -> dict[str, Any]:
    if isinstance(chosen.key, CreateKey):
        return {"choice": "create", "deletion_window_days": chosen.key.deletion_window_days}
    if isinstance(chosen.key, AdoptKey):
        return {"choice": "adopt", "arn": chosen.key.arn}
    return {"choice": "skip"}


def _bucket(bucket: Any) -> dict[str, Any]:
    if isinstance(bucket, CreateBucket):
        return {"choice": "create", "expire_days": bucket.expire_days}
    if isinstance(bucket, AdoptBucket):
        return {"choice": "adopt", "name": bucket.name}
    return {"choice": "skip"}
