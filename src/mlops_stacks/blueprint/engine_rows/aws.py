"""The engines of AWS."""

from __future__ import annotations

from functools import partial

from mlops_stacks.blueprint.aws_stages.delivery import (
    CodePipelineDelivery,
    CodePipelineIntegration,
    GitHubActions,
    GitLabCi,
)
from mlops_stacks.blueprint.aws_stages.features import SageMakerFeatureStore
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.aws_stages.monitoring import SageMakerMonitoring
from mlops_stacks.blueprint.aws_stages.serving import EcsServing, LambdaServing, SageMakerServing
from mlops_stacks.blueprint.aws_stages.tracking import SageMakerExperiments, SageMakerMlflow
from mlops_stacks.blueprint.aws_stages.training import SageMakerTraining, StepFunctionsTraining
from mlops_stacks.blueprint.aws_stages.workbench import SageMakerStudio
from mlops_stacks.blueprint.engine import MODEL_NAMES, STATELESS, STEP_FIELDS, TAGS, Engine, engine_on
from mlops_stacks.blueprint.vocabulary import Platform, Stage

_on = partial(engine_on, Platform.AWS)

SERVED = (
    *TAGS,
    *MODEL_NAMES,
    "workload.entry_point",
    "models.*.release",
    "models.*.rollout.**",
    "models.*.realtime.workers",
    "models.*.realtime.capture.**",
    "models.*.realtime.autoscaling.**",
)
"""What every engine that serves makes use of."""

# What CI 1 makes of a blueprint: the workload, and the models that it tries.
_BUILT = (
    *TAGS,
    "workload.entry_point",
    "workload.path",
    "secrets.**",
    "feature_groups.**",
    "models.*.parameters.**",
    "models.*.features.**",
    "models.*.pipeline.timeout_minutes",
)

# What the steps of a pipeline on AWS are told, and what starts and watches them. The workload's folder is CI 1's.
_TRAINED = (
    *TAGS,
    *MODEL_NAMES,
    *(field for field in STEP_FIELDS if field != "workload.path"),
    "workload.image",
    "models.*.pipeline.compute.**",
    "models.*.pipeline.triggers.**",
    "notifications.**",
)

ENGINES: tuple[Engine, ...] = (
    _on(
        Stage.FOUNDATION,
        "aws",
        "S3, KMS, VPC, ECR, IAM, SNS, CloudTrail",
        options=AwsFoundation,
        reads=(*TAGS, "notifications.**", "access.**"),
    ),
    _on(
        Stage.FEATURE_STORE,
        "sagemaker",
        "SageMaker Feature Store",
        options=SageMakerFeatureStore,
        reads=(*TAGS, "feature_groups.**"),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.WORKBENCH,
        "sagemaker_studio",
        "SageMaker Studio",
        options=SageMakerStudio,
        decision="a network",
        reads=(*TAGS, "access.**", "workload.entry_point"),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.CONTINUOUS_INTEGRATION,
        "codepipeline",
        "CodePipeline and CodeBuild",
        options=CodePipelineIntegration,
        decision="the repository",
        reads=(*_BUILT, "notifications.**"),
        needs=(Stage.FOUNDATION,),
        ignores=STATELESS,
    ),
    _on(
        Stage.CONTINUOUS_INTEGRATION,
        "github_actions",
        "GitHub Actions, with tokens instead of keys",
        options=GitHubActions,
        decision="the repository",
        elsewhere=True,
        reads=_BUILT,
        needs=(Stage.FOUNDATION,),
        ignores=STATELESS,
    ),
    _on(
        Stage.CONTINUOUS_INTEGRATION,
        "gitlab_ci",
        "GitLab CI, with tokens instead of keys",
        options=GitLabCi,
        decision="the repository",
        elsewhere=True,
        reads=_BUILT,
        needs=(Stage.FOUNDATION,),
        ignores=STATELESS,
    ),
    _on(
        Stage.PIPELINE_DELIVERY,
        "codepipeline",
        "CodePipeline and CodeBuild",
        options=CodePipelineDelivery,
        decision="the repository, and a role that deploys",
        reads=(*TAGS, "models.*.release", "notifications.**"),
        needs=(Stage.FOUNDATION,),
        ignores=STATELESS,
    ),
    _on(
        Stage.EXPERIMENT_TRACKING,
        "sagemaker_mlflow",
        "SageMaker managed MLflow",
        options=SageMakerMlflow,
        reads=(*TAGS, *MODEL_NAMES),
        needs=(Stage.FOUNDATION,),
    ),
    _on(
        Stage.EXPERIMENT_TRACKING,
        "sagemaker_experiments",
        "SageMaker Experiments",
        options=SageMakerExperiments,
        reads=(*TAGS, *MODEL_NAMES),
        native=True,
        state="seen in Studio Classic only; AWS points to managed MLflow instead (2026-11)",
    ),
    _on(
        Stage.MODEL_REGISTRY,
        "sagemaker",
        "SageMaker model packages",
        reads=(*TAGS, *MODEL_NAMES, "models.*.description"),
    ),
    _on(
        Stage.TRAINING_PIPELINE,
        "sagemaker",
        "SageMaker Pipelines",
        options=SageMakerTraining,
        reads=(*_TRAINED, "models.*.pipeline.tuning.**", "models.*.pipeline.bias_check.**"),
        needs=(Stage.FOUNDATION,),
        ignores=STATELESS,
    ),
    _on(
        Stage.TRAINING_PIPELINE,
        "step_functions",
        "Step Functions",
        options=StepFunctionsTraining,
        reads=_TRAINED,
        needs=(Stage.FOUNDATION,),
        ignores=STATELESS,
    ),
    _on(
        Stage.SERVING,
        "sagemaker",
        "SageMaker endpoints",
        options=SageMakerServing,
        reads=(
            *SERVED,
            "models.*.realtime.compute.instance_type",
            "models.*.batch.schedule.**",
            "models.*.batch.input",
            "models.*.batch.output",
            "models.*.batch.compute.instance_type",
        ),
        needs=(Stage.FOUNDATION, Stage.MODEL_REGISTRY),
        ignores=STATELESS,
    ),
    _on(
        Stage.SERVING,
        "lambda",
        "Lambda",
        options=LambdaServing,
        reads=(
            *(field for field in SERVED if "autoscaling" not in field and "workers" not in field),
            "workload.image",
            "models.*.realtime.compute.memory_gb",
        ),
        needs=(Stage.FOUNDATION, Stage.MODEL_REGISTRY),
        ignores=STATELESS,
    ),
    _on(
        Stage.SERVING,
        "ecs",
        "ECS on Fargate",
        options=EcsServing,
        reads=(
            *SERVED,
            "workload.image",
            "models.*.realtime.compute.cpu",
            "models.*.realtime.compute.memory_gb",
            "models.*.realtime.compute.spot",
        ),
        needs=(Stage.FOUNDATION, Stage.MODEL_REGISTRY),
        ignores=STATELESS,
    ),
    _on(
        Stage.MONITORING,
        "sagemaker",
        "SageMaker Model Monitor and CloudWatch",
        options=SageMakerMonitoring,
        reads=(
            *TAGS,
            *MODEL_NAMES,
            "workload.entry_point",
            "workload.image",
            "models.*.monitoring.**",
            "models.*.retraining.**",
        ),
        needs=(Stage.FOUNDATION, Stage.SERVING),
        ignores=STATELESS,
        native=True,
        state="Model Monitor takes no new customers since 2026-07-30, nor does Clarify (2026-11)",
    ),
)
