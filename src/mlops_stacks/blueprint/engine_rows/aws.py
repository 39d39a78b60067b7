"""The engines of AWS."""

from __future__ import annotations

from functools import partial

from mlops_stacks.blueprint.aws_stages.features import SageMakerFeatureStore
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.aws_stages.tracking import SageMakerMlflow
from mlops_stacks.blueprint.engine import MODEL_NAMES, TAGS, Engine, engine_on
from mlops_stacks.blueprint.vocabulary import Platform, Stage

_on = partial(engine_on, Platform.AWS)

ENGINES: tuple[Engine, ...] = (
    _on(Stage.FOUNDATION, "aws", "S3, KMS, ECR, IAM", options=AwsFoundation, reads=TAGS),
    _on(
        Stage.FEATURE_STORE,
        "sagemaker",
        "SageMaker Feature Store",
        options=SageMakerFeatureStore,
        reads=(*TAGS, "feature_groups.**"),
        needs=(Stage.FOUNDATION,),
    ),
    _on(Stage.WORKBENCH, "sagemaker_studio", "SageMaker Studio"),
    _on(Stage.CONTINUOUS_INTEGRATION, "codepipeline", "CodePipeline and CodeBuild"),
    _on(Stage.PIPELINE_DELIVERY, "codepipeline", "CodePipeline"),
    _on(
        Stage.EXPERIMENT_TRACKING,
        "sagemaker_mlflow",
        "SageMaker managed MLflow",
        options=SageMakerMlflow,
        reads=(*TAGS, *MODEL_NAMES),
        needs=(Stage.FOUNDATION,),
    ),
    _on(Stage.EXPERIMENT_TRACKING, "sagemaker_experiments", "SageMaker Experiments"),
    _on(
        Stage.MODEL_REGISTRY,
        "sagemaker",
        "SageMaker model packages",
        reads=(*TAGS, *MODEL_NAMES, "models.*.description"),
    ),
    _on(Stage.TRAINING_PIPELINE, "sagemaker", "SageMaker Pipelines"),
    _on(Stage.TRAINING_PIPELINE, "step_functions", "Step Functions"),
    _on(Stage.SERVING, "sagemaker", "SageMaker endpoints"),
    _on(Stage.SERVING, "lambda", "Lambda"),
    _on(Stage.SERVING, "ecs", "ECS on Fargate"),
    _on(Stage.MONITORING, "sagemaker", "SageMaker Model Monitor and CloudWatch"),
)
