"""What people who experiment may do with the stages of an environment, besides their own notebooks."""

from __future__ import annotations

from typing import Any

import pulumi

from mlops_components.experiment_tracking.sagemaker_mlflow import ARTIFACT_FOLDER
from mlops_components.grants import AwsGrant, aws_grant
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import features, releases
from mlops_stacks.compose.on_aws.image import image


def grants_to_experiment(context: Context, person: str) -> list[AwsGrant]:
    """Read data, features and versions, track runs, start pipelines; and write a folder of one's own."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    return [
        *foundation.grant_data_read(),
        *foundation.grant_artifacts_write(f"workbench/{person}"),
        *foundation.grant_key_use(),
        *features.grants_of_people(context),
        *_tracking(context),
        *_training(context),
        *_registry(context),
    ]


def _tracking(context: Context) -> list[AwsGrant]:
    """Record runs and look at them; MLflow's clients read and write the files of runs themselves."""
    tracking: Any = context.contract(Stage.EXPERIMENT_TRACKING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    if tracking is None:
        return []
    with_files = context.options(Stage.EXPERIMENT_TRACKING).engine == "sagemaker_mlflow"
    files = foundation.grant_artifacts_write(ARTIFACT_FOLDER) if with_files else []
    return [*tracking.grant_track(), *files]


def _training(context: Context) -> list[AwsGrant]:
    """Start and follow the pipelines; that they run with their own role is said in their definition."""
    training: Any = context.contract(Stage.TRAINING_PIPELINE)
    if training is None or context.options(Stage.TRAINING_PIPELINE).engine != "sagemaker" or image(context) is None:
        return []  # before an image is delivered there is nothing to start
    follow = ["sagemaker:DescribePipeline", "sagemaker:ListPipelineExecutions", "sagemaker:StartPipelineExecution"]
    look = ["sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps"]
    grants = []
    for model in sorted(context.settings.models):
        arn = training.pipelines.apply(lambda pipelines, model=model: pipelines[model])
        grants.append(aws_grant(follow, [arn]))
        grants.append(aws_grant(look, [pulumi.Output.concat(arn, "/execution/*")]))
    return grants


def _registry(context: Context) -> list[AwsGrant]:
    """Look at groups and versions."""
    registry: Any = context.contract(Stage.MODEL_REGISTRY)
    if registry is None:
        return []
    grants = []
    for model in sorted(context.settings.models):
        group = registry.registered_models.apply(lambda models, model=model: models[model])
        grants.append(aws_grant(["sagemaker:DescribeModelPackageGroup"], [group]))
        grants += releases.grants_of_package(context, model)
    return grants
