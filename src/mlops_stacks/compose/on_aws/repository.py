"""The repository that CI 1 and CD work on, and the connection to it: said once, by whichever stage says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi

from mlops_components.aws_delivery.connection import GitConnection, GitProvider
from mlops_stacks.blueprint.aws_stages.delivery import AdoptConnection, CreateConnection, FromRepository, GitHost
from mlops_stacks.blueprint.settings import Settings
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common

_PROVIDERS = {
    GitHost.GITHUB: GitProvider.GITHUB,
    GitHost.GITLAB: GitProvider.GITLAB,
    GitHost.BITBUCKET: GitProvider.BITBUCKET,
    GitHost.GITHUB_ENTERPRISE: GitProvider.GITHUB_ENTERPRISE,
    GitHost.GITLAB_SELF_MANAGED: GitProvider.GITLAB_SELF_MANAGED,
}
_DELIVERY = (Stage.PIPELINE_DELIVERY, Stage.CONTINUOUS_INTEGRATION)


def repository(context: Context, stage: Stage) -> str:
    """`owner/name`. Validation has made sure that it is said."""
    found = next((each.repository for each in _said(context.settings, stage) if each.repository), None)
    if found is None:
        raise TypeError("no stage names the repository")
    return found


def branch(context: Context, stage: Stage) -> str:
    """The branch that is built and delivered from."""
    return next((each.branch for each in _said(context.settings, stage) if each.branch), "main")


def platform(context: Context, stage: Stage) -> str:
    """Where pip finds mlops-stacks."""
    from importlib import metadata

    found = next((each.mlops_stacks for each in _said(context.settings, stage) if each.mlops_stacks), None)
    return found or metadata.version("mlops-stacks")


def connection(context: Context, stage: Stage) -> pulumi.Input[str]:
    """The connection: the one of the stage that was composed before, else the adopted one, else a new one."""
    earlier = context.contracts.get(Stage.PIPELINE_DELIVERY)
    arn: pulumi.Input[str] | None = getattr(earlier, "connection_arn", None)
    if arn is not None:
        return arn
    chosen = next((c for each in _said(context.settings, stage) if (c := getattr(each, "connection", None))), None)
    if isinstance(chosen, AdoptConnection):
        return chosen.arn
    wanted = chosen or CreateConnection()
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "on_behalf_of": stage.value,
        "provider": _PROVIDERS[wanted.provider],
    }
    if wanted.host:
        args["host_arn"] = wanted.host
    # One name, whichever stage comes first: leaving one of the two out must not cost the handshake.
    return GitConnection("source", args, common.options(context)).connection_arn  # type: ignore[arg-type]


def _said(settings: Settings, stage: Stage) -> Iterator[FromRepository]:
    """The options of the stage itself, then those of the other one."""
    for each in sorted(_DELIVERY, key=lambda one: one is not stage):
        chosen = getattr(settings.stages, each.value)
        if isinstance(chosen, FromRepository):
            yield chosen
