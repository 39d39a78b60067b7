"""Blueprint -> what CI 1 on AWS is told: the document, the workload, the gates, and who may do what."""

from __future__ import annotations

import json
from posixpath import dirname, join, normpath
from typing import Any

import pulumi

from mlops_components.aws_delivery import grants
from mlops_components.aws_delivery.ci_args import CiGates, CiPlaces, CiWorkload, packages_uri
from mlops_components.feature_store.smoke import smoke_features
from mlops_components.foundation.aws.secrets import secret_arn
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.placement import aws_partition
from mlops_stacks.blueprint.aws_stages.delivery import AwsContinuousIntegration, CodePipelineDelivery
from mlops_stacks.blueprint.aws_stages.foundation import SkipKey
from mlops_stacks.blueprint.settings import SecretFromManager
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, repository
from mlops_stacks.compose.pipelines import pipeline_spec

STAGE = Stage.CONTINUOUS_INTEGRATION
BUILDS = "/opt/mlops-stacks/builds"
"""Folder inside the image in which smoke models are trained."""


def foundation(context: Context) -> Any:
    """The foundation of the shared scope."""
    return context.contract(Stage.FOUNDATION)


def key(context: Context) -> dict[str, pulumi.Input[str]]:
    """The key of the shared bucket, as arguments; nothing where there is none."""
    chosen: Any = context.options(Stage.FOUNDATION)
    return {} if isinstance(chosen.key, SkipKey) else {"key_arn": foundation(context).key_arn}


def places(context: Context) -> CiPlaces:
    """Where CI 1 keeps what it makes."""
    base = foundation(context)
    return {"bucket": base.artifact_bucket_name, "images": base.repository_url, **key(context)}  # type: ignore[typeddict-item]


def gates(chosen: AwsContinuousIntegration) -> CiGates:
    """What a commit must pass."""
    return {
        "smoke": chosen.smoke,
        "scan": chosen.scan,  # type: ignore[typeddict-item]
        "scan_minutes": chosen.scan_minutes,
        "timeout_minutes": chosen.timeout_minutes,
    }


def folder(context: Context, chosen: AwsContinuousIntegration) -> str:
    """The workload's folder in the repository: its `path` starts at the blueprint's own folder."""
    if chosen.folder is not None or context.settings.workload is None:
        return chosen.folder or "."
    delivery = context.settings.stages.pipeline_delivery
    file = delivery.blueprint_path if isinstance(delivery, CodePipelineDelivery) else ""
    return normpath(join(dirname(file), context.settings.workload.path))


def workload(context: Context, chosen: AwsContinuousIntegration) -> CiWorkload:
    """What is built. Smoke models that read features need a store of their own in the image."""
    features = ["features"] if chosen.smoke and context.settings.stages.feature_store is not None else []
    built: CiWorkload = {
        "folder": folder(context, chosen),
        "platform": repository.platform(context, STAGE),
        "extras": ["aws-runtime", *features],
        "test_command": list(chosen.test_command),
        "test_requirements": list(chosen.test_requirements),
    }
    if chosen.dockerfile:
        built["dockerfile"] = chosen.dockerfile
    if chosen.base_image:
        built["base_image"] = chosen.base_image
    if chosen.system_packages:
        built["system_packages"] = list(chosen.system_packages)
    return built


def settings(context: Context, chosen: AwsContinuousIntegration) -> pulumi.Output[str]:
    """The `CiSettings` document."""
    blueprint = context.settings
    groups = blueprint.feature_groups if blueprint.stages.feature_store is not None else None
    document: dict[str, Any] = {
        "blueprint": context.blueprint.name,
        "branch": repository.branch(context, STAGE),
        "folder": folder(context, chosen),
        "entry_point": blueprint.workload.entry_point if blueprint.workload else None,
        "test_command": list(chosen.test_command),
        "timeout_minutes": chosen.timeout_minutes,
        "smoke_parameters": dict(chosen.smoke_parameters),
        "models": {
            name: {
                "pipeline": pipeline_spec(name, model),
                "parameters": dict(model.parameters),
                "features": list(model.features),
            }
            for name, model in blueprint.models.items()
        },
        "secrets": {name: {"source": "manager", "key": secret} for name, secret in _secrets(context).items()},
        "feature_store": None if groups is None else smoke_features(context.blueprint.name, BUILDS, groups),
        "builds": BUILDS,
    }
    packages = packages_uri(foundation(context).artifact_bucket_name)
    return packages.apply(lambda uri: json.dumps({**document, "packages": uri}, sort_keys=True))


def smoke_grants(context: Context, chosen: AwsContinuousIntegration) -> list[AwsGrant]:
    """What smoke models may read: the image, the buckets that the blueprint names, and the secrets of the steps."""
    placement = common.placement(context)
    granted: list[AwsGrant] = [*foundation(context).grant_images_pull()]
    partition = aws_partition(placement["region"])
    if chosen.smoke_buckets:
        buckets = [f"arn:{partition}:s3:::{bucket}" for bucket in chosen.smoke_buckets]
        granted.append(aws_grant(["s3:ListBucket"], buckets))
        granted.append(aws_grant(["s3:GetObject"], [f"{bucket}/*" for bucket in buckets]))
    secrets = sorted({secret_arn(secret, placement) for secret in _secrets(context).values()})
    if secrets:
        granted.append(aws_grant(["secretsmanager:GetSecretValue"], secrets))
    return granted


def publish_grants(context: Context) -> list[AwsGrant]:
    """What recording a package takes: the bucket, and the start of its delivery where there is one."""
    delivery = context.contracts.get(Stage.PIPELINE_DELIVERY)
    start = grants.grant_start(common.placement(context), "cd1") if delivery is not None else []
    return [*foundation(context).grant_shared_artifacts_write(), *start]


def delivery_pipeline(context: Context) -> dict[str, str]:
    """The pipeline that is started for each package, as an argument; nothing where there is none."""
    from mlops_components.aws_delivery.names import CODEPIPELINE, name_of

    if context.contracts.get(Stage.PIPELINE_DELIVERY) is None:
        return {}
    return {"delivery_pipeline": name_of(common.placement(context), "cd1", CODEPIPELINE)}


def topics(context: Context) -> dict[str, pulumi.Input[str]]:
    """`success`, `failure` -> topic, where somebody wants to be told."""
    found = {kind: common.topic(context, kind) for kind in ("success", "failure")}
    return {kind: arn for kind, arn in found.items() if arn is not None}


def _secrets(context: Context) -> dict[str, str]:
    return {name: s.name for name, s in context.settings.secrets.items() if isinstance(s, SecretFromManager)}
