"""What the steps of a pipeline on AWS are told, and what they may do, whichever engine starts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlops_components.experiment_tracking.sagemaker_mlflow import ARTIFACT_FOLDER
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.model_registry.sagemaker import grants_to_register
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.spec.settings import SecretRef, WorkloadRef
from mlops_components.training_pipeline.aws_documents import FOLDER as SETTINGS
from mlops_components.training_pipeline.sagemaker import grants_to_check_bias
from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.settings import SecretFromManager
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common
from mlops_stacks.compose.on_aws.features import grants_of_training, reference
from mlops_stacks.compose.on_aws.releases import grants_of_image

RUNS = "runs"
"""Folder of the artifact bucket in which each model has a folder, and in it each run."""
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
_LOG_GROUPS = ("ProcessingJobs", "TrainingJobs")


def step_settings(context: Context, name: str, model: ModelConfig) -> dict[str, Any]:
    """The `StepSettings` of a model; values that only a deployment knows are outputs."""
    tracking, registry = context.contract(Stage.EXPERIMENT_TRACKING), context.contract(Stage.MODEL_REGISTRY)
    return {
        "blueprint": context.blueprint.name,
        "environment": context.scope,
        "model": name,
        "workload": _workload(context),
        "parameters": model.parameters,
        "acceptance": model.acceptance,
        "tracking_uri": None if tracking is None else tracking.tracking_uri,
        "experiment": None if tracking is None else tracking.experiments.apply(lambda names: names[name]),
        "registry_uri": None if registry is None else registry.registry_uri,
        "registered_model": None if registry is None else registry.registered_models.apply(lambda names: names[name]),
        "approval": model.approval.value,
        "serving_version": context.releases.get(name),
        "secrets": _secrets(context),
        "features": model.features,
        "feature_store": reference(context),
    }


def grants_of_steps(context: Context, models: Sequence[str]) -> list[AwsGrant]:
    """What the steps of these models' pipelines do."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    return [
        *foundation.grant_artifacts_write(RUNS),
        *foundation.grant_artifacts_read(SETTINGS),
        *foundation.grant_data_read(),
        # The volumes of jobs are encrypted with the key by the role of the job, which gives SageMaker a grant on it.
        *foundation.grant_key_use(),
        *foundation.grant_secrets_read(),
        *grants_of_training(context),
        *_grants_to_track(context),
        *_grants_to_register(context, models),
        *grants_of_image(context),
        *_grants_to_check(context, models),
        *common.grants_of_network(context),
        *_grants_to_log(common.placement(context)),
    ]


def _workload(context: Context) -> WorkloadRef:
    """The code is in the image. Validation has made sure that the blueprint says which."""
    chosen, delivery = context.settings.workload, context.delivery
    if chosen is None:
        raise TypeError("the blueprint has no workload")
    found: WorkloadRef = {"entry_point": chosen.entry_point, "path": None}
    if delivery is None or chosen.image is not None:
        return found
    return {**found, "commit": delivery.commit, "package": str(delivery.version)}


def _secrets(context: Context) -> dict[str, SecretRef]:
    """Where the steps find their secrets: in Secrets Manager, since nothing else is at hand in a job."""
    return {
        variable: {"source": "manager", "key": secret.name}
        for variable, secret in context.settings.secrets.items()
        if isinstance(secret, SecretFromManager)
    }


def _grants_to_track(context: Context) -> list[AwsGrant]:
    tracking: Any = context.contract(Stage.EXPERIMENT_TRACKING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    if tracking is None:
        return []
    return [*tracking.grant_track(), *foundation.grant_artifacts_write(ARTIFACT_FOLDER)]


def _grants_to_register(context: Context, models: Sequence[str]) -> list[AwsGrant]:
    registry: Any = context.contract(Stage.MODEL_REGISTRY)
    target = context.blueprint.shared.target_on(Platform.AWS)
    if registry is None or not isinstance(target, AwsTarget):
        return []
    placed: AwsPlacement = {
        "blueprint": context.blueprint.name,
        "scope": SHARED,
        "account_id": target.account,
        "region": target.region,
    }
    grants = []
    for model in models:
        group = registry.registered_models.apply(lambda names, model=model: names[model])
        grants += grants_to_register(placed, group, model)
    return grants


def _grants_to_check(context: Context, models: Sequence[str]) -> list[AwsGrant]:
    """What the job of a bias check needs besides, which runs another image with the role of the steps."""
    if all(context.settings.models[model].pipeline.bias_check is None for model in models):
        return []
    return grants_to_check_bias(common.placement(context))


def _grants_to_log(placed: AwsPlacement) -> list[AwsGrant]:
    """Jobs write their logs and measures with the role of the step."""
    where = f"arn:{aws_partition(placed['region'])}:logs:{placed['region']}:{placed['account_id']}:log-group"
    groups = [f"{where}:/aws/sagemaker/{group}:*" for group in _LOG_GROUPS]
    return [aws_grant(_LOGS, groups), aws_grant(["cloudwatch:PutMetricData"], ["*"])]
