"""Blueprint -> what CI 1 on GitHub and on GitLab have in common: a role, and names that a file can know beforehand."""

from __future__ import annotations

from posixpath import dirname
from typing import Any

import pulumi

from mlops_components.aws_delivery import grants
from mlops_components.aws_delivery.ci_args import DOCKERFILE_KEY, SETTINGS_KEY
from mlops_components.aws_delivery.names import role_arn
from mlops_components.foundation.aws.buckets import bucket_name
from mlops_components.foundation.aws.oidc import AUDIENCE
from mlops_components.naming import ECR_REPOSITORY, physical_name
from mlops_stacks.blueprint.aws_stages.delivery import AwsContinuousIntegration, CodePipelineDelivery
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import ci_settings, common, repository
from mlops_stacks.compose.on_aws.ci_settings import STAGE, foundation

PURPOSE = "cijobs"


def arguments(context: Context, system: str, issuer: str, subjects: list[str]) -> dict[str, Any]:
    """The arguments of the component; `system` is what the foundation calls the provider of the tokens."""
    chosen: AwsContinuousIntegration = context.options(STAGE)
    placement = common.placement(context)
    bucket = bucket_name(placement, "artifacts")
    region, name = placement["region"], physical_name((placement["blueprint"], context.scope, "images"), ECR_REPOSITORY)
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return {
        "placement": placement,
        "repository": repository.repository(context, STAGE),
        "workflow": {
            "blueprint": context.blueprint.name,
            "branch": repository.branch(context, STAGE),
            "ignored": locks(context),
            "region": region,
            "role_arn": role_arn(placement, PURPOSE),
            "settings": f"s3://{bucket}/{SETTINGS_KEY}",
            "images": f"{placement['account_id']}.dkr.ecr.{region}.{domain}/{name}",
            "dockerfile": chosen.dockerfile or f"s3://{bucket}/{DOCKERFILE_KEY}",
            **ci_settings.delivery_pipeline(context),
        },
        "workload": ci_settings.workload(context, chosen),
        "places": ci_settings.places(context),
        "settings": ci_settings.settings(context, chosen),
        "gates": ci_settings.gates(chosen),
        "role_arn": _role(context, chosen, system, issuer, subjects),
    }


def locks(context: Context) -> list[str]:
    """Patterns of the lock files, which delivery pushes: they change nothing that is built."""
    delivery = context.settings.stages.pipeline_delivery
    file = delivery.blueprint_path if isinstance(delivery, CodePipelineDelivery) else ""
    folder = f"{dirname(file)}/" if dirname(file) else ""
    return [f"{folder}deliveries/**", f"{folder}releases/**"]


def _role(
    context: Context, chosen: AwsContinuousIntegration, system: str, issuer: str, subjects: list[str]
) -> pulumi.Input[str]:
    """One role: the jobs of a repository are told apart by nothing that AWS sees."""
    base = foundation(context)
    may = [
        *base.grant_images_push(),
        *grants.grant_findings(base.repository_arn),
        *ci_settings.publish_grants(context),
        *(ci_settings.smoke_grants(context, chosen) if chosen.smoke else []),
    ]
    provider = base.oidc_provider_arns.apply(lambda arns: arns[system])
    trusted = {"provider_arn": provider, "issuer": issuer, "audience": AUDIENCE, "subjects": subjects}
    return common.identity(context, STAGE, PURPOSE, [], may, federations=[trusted]).role_arn  # type: ignore[list-item]
