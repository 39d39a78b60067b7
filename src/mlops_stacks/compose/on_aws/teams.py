"""Blueprint -> a role for each team, in every scope: who may look, who may experiment, who may approve.

The roles come last in a scope, because what a team may look at are the contracts of all its stages. A member assumes
the role with its own identity; nobody gets a password or a key here.
"""

from __future__ import annotations

from typing import Any

from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.settings import Role
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, people

_LOOK_AT_PIPELINES = (
    "sagemaker:DescribePipeline",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:ListPipelineExecutions",
)


def build(context: Context) -> None:
    """A role for each team of a scope, where AWS's foundation is there to answer for people."""
    if not isinstance(context.settings.stages.foundation, AwsFoundation):
        return
    for team, access in sorted(context.settings.access.items()):
        common.identity(
            context,
            Stage.FOUNDATION,
            f"team_{team}",
            [],
            grants_of_team(context, access.role, team),
            principals=sorted(set(access.members)),
        )


def grants_of_team(context: Context, role: Role, team: str) -> list[AwsGrant]:
    """What a team of this role may do in a scope."""
    if context.scope == SHARED:
        return [*_versions(context), *(_approving(context) if role is Role.APPROVER else [])]
    grants = _looking(context)
    if role is Role.CONTRIBUTOR:
        grants += people.grants_to_experiment(context, team)
    return grants


def _looking(context: Context) -> list[AwsGrant]:
    """Look at runs, pipelines, endpoints and dashboards of an environment."""
    return [*_runs(context), *_pipelines(context), *_endpoints(context), *_dashboards(context)]


def _runs(context: Context) -> list[AwsGrant]:
    tracking: Any = context.contracts.get(Stage.EXPERIMENT_TRACKING)
    grant = getattr(tracking, "grant_look", None)
    return list(grant()) if grant else []


def _pipelines(context: Context) -> list[AwsGrant]:
    """By the beginning of their names: a pipeline is made only once its image has been delivered."""
    if not _is_on(context, Stage.TRAINING_PIPELINE, "sagemaker"):
        return []
    return [aws_grant(_LOOK_AT_PIPELINES, [_prefixed(context, "sagemaker", "pipeline")])]


def _endpoints(context: Context) -> list[AwsGrant]:
    if not _is_on(context, Stage.SERVING, "sagemaker"):
        return []
    endpoints = [_prefixed(context, "sagemaker", kind) for kind in ("endpoint", "endpoint-config")]
    return [aws_grant(["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"], endpoints)]


def _dashboards(context: Context) -> list[AwsGrant]:
    if not _is_on(context, Stage.MONITORING, "sagemaker"):
        return []
    placement = common.placement(context)
    prefix = f"{placement['blueprint']}-{placement['scope']}-*"
    cloudwatch = f"arn:{aws_partition(placement['region'])}:cloudwatch"
    alarms = f"{cloudwatch}:{placement['region']}:{placement['account_id']}:alarm:{prefix}"
    return [
        aws_grant(["cloudwatch:GetDashboard"], [f"{cloudwatch}::{placement['account_id']}:dashboard/{prefix}"]),
        aws_grant(["cloudwatch:DescribeAlarms"], [alarms]),
        aws_grant(["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"], ["*"]),
    ]


def _versions(context: Context) -> list[AwsGrant]:
    """Look at the versions of all models."""
    registry: Any = context.contracts.get(Stage.MODEL_REGISTRY)
    if registry is None:
        return []
    return [grant for model in sorted(context.settings.models) for grant in registry.grant_deploy(model)]


def _approving(context: Context) -> list[AwsGrant]:
    """Approve versions in the registry, and what delivery waits with."""
    registry: Any = context.contracts.get(Stage.MODEL_REGISTRY)
    models = sorted(context.settings.models) if registry is not None else []
    grants: list[AwsGrant] = [grant for model in models for grant in registry.grant_review(model)]
    if _is_on(context, Stage.PIPELINE_DELIVERY, "codepipeline"):
        placement = common.placement(context)
        pipelines = f"{_service(placement, 'codepipeline')}:{placement['blueprint']}-{placement['scope']}-*"
        actions = ["codepipeline:GetPipelineState", "codepipeline:PutApprovalResult"]
        grants.append(aws_grant(actions, [pipelines]))
    return grants


def _is_on(context: Context, stage: Stage, engine: str) -> bool:
    chosen = getattr(context.settings.stages, stage.value)
    return chosen is not None and chosen.platform is Platform.AWS and chosen.engine == engine


def _prefixed(context: Context, service: str, kind: str) -> str:
    return f"{_service(common.placement(context), service)}:{kind}/{context.blueprint.name}-{context.scope}-*"


def _service(placement: AwsPlacement, service: str) -> str:
    return f"arn:{aws_partition(placement['region'])}:{service}:{placement['region']}:{placement['account_id']}"
