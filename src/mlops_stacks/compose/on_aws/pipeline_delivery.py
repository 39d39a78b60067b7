"""Blueprint -> delivery of packages and approved versions."""

from __future__ import annotations

from typing import Any

import pulumi

from mlops_components.aws_delivery import grants
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.model_registry.sagemaker import group_name
from mlops_components.pipeline_delivery import codepipeline as engine
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_stacks.blueprint.aws_stages.delivery import CodePipelineDelivery
from mlops_stacks.blueprint.aws_stages.state import secrets_alias, state_bucket
from mlops_stacks.blueprint.settings import Environment
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import ci_settings, common, repository

STAGE = Stage.PIPELINE_DELIVERY
_BUILD, _PIPELINE, _EVENTS = "codebuild.amazonaws.com", "codepipeline.amazonaws.com", "events.amazonaws.com"
LATEST = "latest_approved"


def build(context: Context) -> Any:
    """The pipelines of delivery, with a role for each environment."""
    chosen: CodePipelineDelivery = context.options(STAGE)
    placement = common.placement(context)
    connection = repository.connection(context, STAGE)
    environments = _environments(context, chosen, connection)
    groups = _groups(context, placement) if any(each["releases"] for each in environments) else []
    args: dict[str, Any] = {
        "placement": placement,
        "repository": repository.repository(context, STAGE),
        "branch": repository.branch(context, STAGE),
        "connection_arn": connection,
        "blueprint_path": chosen.blueprint_path,
        "platform": repository.platform(context, STAGE),
        "backend": f"s3://{_state_bucket(context, chosen)}?region={placement['region']}",
        "bucket": ci_settings.foundation(context).artifact_bucket_name,
        **ci_settings.key(context),
        "environments": environments,
        "pipeline_role_arn": _pipeline_role(context, connection, environments),
        "ahead_role_arn": _ahead_role(context, chosen, connection),
        "model_groups": groups,
        "topics": ci_settings.topics(context),
        "approval_days": chosen.approval_days,
        "timeout_minutes": chosen.timeout_minutes,
        "log_days": chosen.log_days,
    }
    asks = _asks(context)
    if asks is not None:
        args["approval_topic"] = common.topic(context, asks)
    if groups:
        start = grants.grant_start(placement, engine.VERSIONS)
        args["events_role_arn"] = common.identity(context, STAGE, "cdevents", [_EVENTS], start).role_arn
    return engine.CodePipelineDelivery("pipeline-delivery", args, common.options(context))  # type: ignore[arg-type]


def _asks(context: Context) -> str | None:
    """The kind of news as which approval is asked for; None where nobody would hear of it."""
    told = common.news(context)
    return next((kind for kind in ("approval", "failure", "success") if kind in told), None)


def _environments(
    context: Context, chosen: CodePipelineDelivery, connection: pulumi.Input[str]
) -> list[dict[str, Any]]:
    there = {
        name: environment
        for name, environment in context.blueprint.environments.items()
        if environment.settings.stages.pipeline_delivery is not None
    }
    follows = {name: _follows(environment) for name, environment in there.items()}
    return [
        {
            "name": name,
            "role_arn": _deploy_role(context, chosen, connection, name),
            "approval": position > 0 or chosen.approve_first,
            "delivers": True,
            "releases": follows[name] and context.settings.stages.model_registry is not None,
        }
        for position, name in enumerate(there)
    ]


def _follows(environment: Environment) -> bool:
    """Whether an approval changes what an environment serves."""
    return any(model.release == LATEST for model in environment.settings.models.values())


def _groups(context: Context, placement: AwsPlacement) -> list[str]:
    """Groups of the models that some environment follows, where the registry is SageMaker's."""
    registry = context.settings.stages.model_registry
    if registry is None or registry.platform is not Platform.AWS:
        return []
    models = {
        name
        for environment in context.blueprint.environments.values()
        for name, model in environment.settings.models.items()
        if model.release == LATEST
    }
    return [group_name(placement, model) for model in sorted(models)]


def _pipeline_role(
    context: Context, connection: pulumi.Input[str], environments: list[dict[str, Any]]
) -> pulumi.Input[str]:
    placement, base = common.placement(context), ci_settings.foundation(context)
    builds = [engine.AHEAD, *(engine.deploy_purpose(each["name"]) for each in environments)]
    asks = _asks(context)
    may: list[AwsGrant] = [
        *grants.grant_builds(placement, builds),
        *grants.grant_repository(connection, repository.repository(context, STAGE)),
        *base.grant_shared_artifacts_write(),
        *(base.grant_publish(asks) if asks is not None else []),
    ]
    return common.identity(context, STAGE, "cd", [_PIPELINE], may).role_arn


def _ahead_role(context: Context, chosen: CodePipelineDelivery, connection: pulumi.Input[str]) -> pulumi.Input[str]:
    """Plans: it reads state, packages and versions, and acts as nobody."""
    may = [
        *_every_build(context, connection, engine.AHEAD),
        *_state_grants(context, chosen),
        *_registry_grants(context, writes=False),
    ]
    return common.identity(context, STAGE, engine.AHEAD, [_BUILD], may).role_arn


def _deploy_role(
    context: Context, chosen: CodePipelineDelivery, connection: pulumi.Input[str], environment: str
) -> pulumi.Input[str]:
    """Deploys: it acts as the deployer of one environment, and as that of the shared scope, which comes before."""
    placement, purpose = common.placement(context), engine.deploy_purpose(environment)
    targets = [context.blueprint.scope(scope).target_on(Platform.AWS) for scope in (SHARED, environment)]
    deployers = [target.role for target in targets if isinstance(target, AwsTarget) and target.role]
    last = tuple(context.blueprint.environments)[-1]
    may = [
        *_every_build(context, connection, purpose),
        *_state_grants(context, chosen),
        *_registry_grants(context, writes=environment == last),
        *grants.grant_approvals_read(placement, engine.PACKAGES),
        *grants.grant_approvals_read(placement, engine.VERSIONS),
        *grants.grant_assume(deployers),
    ]
    return common.identity(context, STAGE, purpose, [_BUILD], may).role_arn


def _every_build(context: Context, connection: pulumi.Input[str], purpose: str) -> list[AwsGrant]:
    """Its log, what actions hand on, the packages, and a clone of the repository that it can push from."""
    return [
        *grants.grant_logs(common.placement(context), [purpose]),
        *ci_settings.foundation(context).grant_shared_artifacts_write(),
        *grants.grant_repository(connection, repository.repository(context, STAGE)),
    ]


def _state_bucket(context: Context, chosen: CodePipelineDelivery) -> str:
    return chosen.state_bucket or state_bucket(context.blueprint.name, common.placement(context)["account_id"])


def _state_grants(context: Context, chosen: CodePipelineDelivery) -> list[AwsGrant]:
    """Pulumi's state, with its locks, and the key of the secrets in it. A plan reads it under a lock as well."""
    placement = common.placement(context)
    partition = aws_partition(placement["region"])
    bucket = f"arn:{partition}:s3:::{_state_bucket(context, chosen)}"
    use = ["kms:Decrypt", "kms:Encrypt"]
    if chosen.secrets_key:
        key = aws_grant(use, [chosen.secrets_key])
    else:
        alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [secrets_alias(context.blueprint.name)]}}
        keys = f"arn:{partition}:kms:{placement['region']}:{placement['account_id']}:key/*"
        key = aws_grant(use, [keys], alias)
    return [
        aws_grant(["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
        aws_grant(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [f"{bucket}/.pulumi/*"]),
        key,
    ]


def _registry_grants(context: Context, *, writes: bool) -> list[AwsGrant]:
    """Versions are looked up; the last environment's release is noted at the version, as what is in production."""
    registry: Any = context.contracts.get(Stage.MODEL_REGISTRY)
    chosen = context.settings.stages.model_registry
    if registry is None or chosen is None or chosen.platform is not Platform.AWS:
        return []
    models = sorted(context.settings.models)
    grant_of = registry.grant_review if writes else registry.grant_deploy
    return [grant for model in models for grant in grant_of(model)]
