"""The Pulumi plugin `mlops-stacks`: the components of the clouds, for programs in any language and for YAML.

`python components/__main__.py --schema` writes `schema.json` anew instead; a test fails while the two differ.
Components of the local platform are not in the plugin: their dynamic providers exist only in the program that
defines them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi.provider.experimental import component_provider_host
from pulumi.provider.experimental.component import ComponentProvider

HERE = Path(__file__).resolve().parent
if not (HERE / "mlops_components").is_dir():
    # Installed from the wheel, this folder is inside the package. Last, so that the plugin's own environment, which
    # Pulumi makes from requirements.txt, comes first.
    sys.path.append(str(HERE.parents[1]))

from mlops_components.aws_delivery.connection import GitConnection  # noqa: E402
from mlops_components.continuous_integration.aws_github_actions import GitHubActionsContinuousIntegration  # noqa: E402
from mlops_components.continuous_integration.aws_gitlab_ci import GitLabContinuousIntegration  # noqa: E402
from mlops_components.continuous_integration.codepipeline import CodePipelineContinuousIntegration  # noqa: E402
from mlops_components.experiment_tracking.sagemaker_experiments import SageMakerExperiments  # noqa: E402
from mlops_components.experiment_tracking.sagemaker_mlflow import SageMakerMlflow  # noqa: E402
from mlops_components.feature_store.sagemaker import SageMakerFeatureStore  # noqa: E402
from mlops_components.foundation.aws.foundation import AwsFoundation, AwsSharedFoundation  # noqa: E402
from mlops_components.identity.aws import AwsIdentity  # noqa: E402
from mlops_components.model_registry.sagemaker import SageMakerModelRegistry  # noqa: E402
from mlops_components.monitoring.sagemaker import SageMakerMonitoring  # noqa: E402
from mlops_components.pipeline_delivery.codepipeline import CodePipelineDelivery  # noqa: E402
from mlops_components.serving.aws_lambda import LambdaServing  # noqa: E402
from mlops_components.serving.ecs import EcsServing  # noqa: E402
from mlops_components.serving.sagemaker import SageMakerServing  # noqa: E402
from mlops_components.training_pipeline.sagemaker import SageMakerTrainingPipeline  # noqa: E402
from mlops_components.training_pipeline.step_functions import StepFunctionsTrainingPipeline  # noqa: E402
from mlops_components.workbench.sagemaker_studio import SageMakerStudio  # noqa: E402

NAME = "mlops-stacks"
SCHEMA = HERE / "schema.json"
COMPONENTS: list[type[pulumi.ComponentResource]] = [
    AwsFoundation,
    AwsIdentity,
    AwsSharedFoundation,
    CodePipelineContinuousIntegration,
    CodePipelineDelivery,
    EcsServing,
    GitConnection,
    GitHubActionsContinuousIntegration,
    GitLabContinuousIntegration,
    LambdaServing,
    SageMakerExperiments,
    SageMakerFeatureStore,
    SageMakerMlflow,
    SageMakerModelRegistry,
    SageMakerMonitoring,
    SageMakerServing,
    SageMakerStudio,
    SageMakerTrainingPipeline,
    StepFunctionsTrainingPipeline,
]


def schema() -> dict[str, Any]:
    """Return what the plugin tells other languages, derived from the components' annotations."""
    plain: dict[str, Any] = json.loads(ComponentProvider(COMPONENTS, NAME).schema or "{}")
    return plain


def schema_text() -> str:
    """Return the schema as it is committed: the same bytes on every run."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--schema"]:
        SCHEMA.write_text(schema_text(), encoding="utf-8")
    else:
        component_provider_host(COMPONENTS, NAME)
