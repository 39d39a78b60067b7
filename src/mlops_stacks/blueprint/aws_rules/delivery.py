"""What delivery on AWS cannot do, in words."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_stacks.blueprint.aws_stages.delivery import (
    AwsContinuousIntegration,
    CodePipelineDelivery,
    CreateConnection,
    FromRepository,
    GitHost,
    GitHubActions,
)
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Blueprint, Settings
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform

_STAGES = ("continuous_integration", "pipeline_delivery")
_SELF_MANAGED = (GitHost.GITHUB_ENTERPRISE, GitHost.GITLAB_SELF_MANAGED)


def delivery_rules(settings: Settings) -> Iterator[Problem]:
    """What the options of CI 1 and of delivery say that cannot be, alone or together."""
    there = {
        stage: chosen for stage in _STAGES if isinstance(chosen := getattr(settings.stages, stage), FromRepository)
    }
    yield from _repository_rules(there)
    for stage, chosen in there.items():
        yield from _connection_rules(("stages", stage, "connection"), getattr(chosen, "connection", None))
    builder = there.get("continuous_integration")
    if isinstance(builder, AwsContinuousIntegration):
        yield from _image_rules(builder)


def deployer_rules(blueprint: Blueprint) -> Iterator[Problem]:
    """Delivery acts as the deployer of each environment, which its target must therefore name."""
    if not isinstance(blueprint.shared.settings.stages.pipeline_delivery, CodePipelineDelivery):
        return
    for name in blueprint.scopes:
        scope = blueprint.scope(name)
        target = scope.target_on(Platform.AWS)
        if scope.settings.stages.pipeline_delivery is None or not isinstance(target, AwsTarget) or target.role:
            continue
        if name == SHARED and any(target == each.target_on(Platform.AWS) for each in blueprint.environments.values()):
            continue  # it is an environment's target, at which the same is said
        yield Problem(
            ((SHARED,) if name == SHARED else ("environments", name)) + ("target", "role"),
            "pipeline_delivery deploys here, and acts as a role that may",
            f"write e.g. `role: arn:aws:iam::{target.account}:role/deployer`; `mlops-stacks bootstrap` says what it "
            "must be able to do",
        )


def approval_rules(blueprint: Blueprint) -> Iterator[Problem]:
    """People who want to be asked, where nothing asks."""
    settings = blueprint.shared.settings
    if not isinstance(settings.stages.foundation, AwsFoundation):
        return
    if isinstance(settings.stages.pipeline_delivery, CodePipelineDelivery):
        return
    for position, notification in enumerate(settings.notifications):
        if "approval" in notification.on:
            yield Problem(
                (SHARED, "settings", "notifications", position, "on"),
                "nothing asks for approval",
                "add the stage pipeline_delivery, or leave `approval` out here",
            )


def _repository_rules(there: dict[str, FromRepository]) -> Iterator[Problem]:
    named = {stage: chosen.repository for stage, chosen in there.items() if chosen.repository}
    if there and not named:
        stage = next(iter(there))
        yield Problem(
            ("stages", stage, "repository"),
            "nothing says where the code is that is built and delivered",
            "write e.g. `repository: my-company/flight-delay`",
        )
    if len(set(named.values())) > 1:
        yield Problem(
            ("stages", "pipeline_delivery", "repository"),
            f"continuous_integration builds from `{named['continuous_integration']}`, so what is built there would "
            "not be what is delivered from here",
            "write it once, or the same in both",
        )
    branches = {chosen.branch for chosen in there.values() if chosen.branch}
    if len(branches) > 1:
        yield Problem(
            ("stages", "pipeline_delivery", "branch"),
            f"continuous_integration builds `{there['continuous_integration'].branch}`, which is another branch",
            "write it once, or the same in both",
        )
    builder = there.get("continuous_integration")
    if isinstance(builder, GitHubActions) and builder.repository and builder.repository.count("/") != 1:
        yield Problem(
            ("stages", "continuous_integration", "repository"),
            f"`{builder.repository}` is no repository of GitHub: it has {builder.repository.count('/') + 1} parts",
            "write `owner/name`",
        )


def _connection_rules(at: FieldPath, connection: object) -> Iterator[Problem]:
    if not isinstance(connection, CreateConnection):
        return
    if connection.provider in _SELF_MANAGED and connection.host is None:
        yield Problem(
            (*at, "host"),
            f"a connection to {connection.provider} needs to know the host",
            "write the ARN of a host of CodeConnections",
        )
    elif connection.host is not None and connection.provider not in _SELF_MANAGED:
        yield Problem((*at, "host"), f"{connection.provider} is on no host of your own", "remove it")


def _image_rules(builder: AwsContinuousIntegration) -> Iterator[Problem]:
    at = ("stages", "continuous_integration")
    if builder.dockerfile is not None:
        for field in ("base_image", "system_packages"):
            if field in builder.model_fields_set:
                yield Problem(
                    (*at, field), "it means nothing beside a Dockerfile of your own", "remove it, or the `dockerfile`"
                )
    if not builder.smoke:
        for field in ("smoke_parameters", "smoke_buckets"):
            if field in builder.model_fields_set:
                yield Problem((*at, field), "no smoke model is trained", "remove it, or write `smoke: true`")


SETTINGS_RULES = (delivery_rules,)
BLUEPRINT_RULES = (deployer_rules, approval_rules)
