"""Released versions on AWS: which model package serves, and what reading one takes."""

from __future__ import annotations

from typing import Any

import pulumi

from mlops_components.foundation.aws.buckets import bucket_name
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.model_registry.sagemaker import group_name
from mlops_components.naming import KMS_ALIAS, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_stacks.blueprint.aws_stages.foundation import AdoptBucket, AdoptKey, AwsFoundation, CreateKey
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
from mlops_stacks.compose.context import Context

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def model_package_arn(context: Context, model: str, version: str | None = None) -> pulumi.Output[str]:
    """ARN of the model package of a version, by default of the released one; known once its group is there."""
    registry: Any = context.contract(Stage.MODEL_REGISTRY)
    wanted = context.releases[model] if version is None else version
    arn = f"{_packages(context, model)}/{wanted}"
    # Groups and versions differ in one word of their ARNs. Both are made from names, never one from the other.
    known: pulumi.Output[str] = registry.registered_models.apply(lambda _: arn)
    return known


def grants_of_package(context: Context, model: str) -> list[AwsGrant]:
    """Permission to look up where the files of a model's versions are."""
    return [aws_grant(["sagemaker:DescribeModelPackage"], [f"{_packages(context, model)}/*"])]


def grants_of_image(context: Context) -> list[AwsGrant]:
    """Permission to pull the blueprint's images."""
    shared: Any = context.shared_foundation()
    return [aws_grant(["ecr:GetAuthorizationToken"], ["*"]), aws_grant(_PULL, [shared.repository_arn])]


def grants_of_models(context: Context) -> list[AwsGrant]:
    """Permission to read the files of versions, whichever environment trained them.

    The buckets of the other environments are known by name. Of their keys only the alias is: the permission is for
    any key of their account that has it, by way of S3, and holds where the key's own policy agrees.
    """
    foundation: Any = context.contract(Stage.FOUNDATION)
    grants: list[AwsGrant] = list(foundation.grant_artifacts_read())
    for scope in context.blueprint.environments:
        target = context.blueprint.scope(scope).target_on(Platform.AWS)
        chosen = context.blueprint.scope(scope).settings.stages.foundation
        if scope != context.scope and isinstance(target, AwsTarget) and isinstance(chosen, AwsFoundation):
            placed = _placement(context, scope, target)
            grants += [*_bucket_grants(placed, chosen), *_key_grants(placed, chosen)]
    return grants


def _bucket_grants(placed: AwsPlacement, chosen: AwsFoundation) -> list[AwsGrant]:
    adopted = chosen.artifacts_bucket
    name = adopted.name if isinstance(adopted, AdoptBucket) else bucket_name(placed, "artifacts")
    bucket = f"arn:{aws_partition(placed['region'])}:s3:::{name}"
    return [
        aws_grant(["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
        aws_grant(["s3:GetObject"], [f"{bucket}/*"]),
    ]


def _key_grants(placed: AwsPlacement, chosen: AwsFoundation) -> list[AwsGrant]:
    through_s3 = {"kms:ViaService": [f"s3.{placed['region']}.amazonaws.com"]}
    if isinstance(chosen.key, AdoptKey):
        return [aws_grant(["kms:Decrypt"], [chosen.key.arn], {"StringEquals": through_s3})]
    if not isinstance(chosen.key, CreateKey):
        return []
    alias = "alias/" + physical_name((placed["blueprint"], placed["scope"]), KMS_ALIAS)
    keys = f"arn:{aws_partition(placed['region'])}:kms:{placed['region']}:{placed['account_id']}:key/*"
    conditions = {"StringEquals": through_s3, "ForAnyValue:StringEquals": {"kms:ResourceAliases": [alias]}}
    return [aws_grant(["kms:Decrypt"], [keys], conditions)]


def _packages(context: Context, model: str) -> str:
    """What the ARNs of a model's versions begin with."""
    target = context.blueprint.shared.target_on(Platform.AWS)
    if not isinstance(target, AwsTarget):
        raise TypeError("the shared scope has no target on aws")
    where = f"{aws_partition(target.region)}:sagemaker:{target.region}:{target.account}"
    return f"arn:{where}:model-package/{group_name(_placement(context, SHARED, target), model)}"


def _placement(context: Context, scope: str, target: AwsTarget) -> AwsPlacement:
    return {
        "blueprint": context.blueprint.name,
        "scope": scope,
        "account_id": target.account,
        "region": target.region,
    }
