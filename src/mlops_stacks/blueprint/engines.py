"""Which engines there are, and what in a blueprint each of them turns into something.

Whether an engine has a component is read from the code (its module is there), never written down. `reads` names the
blueprint fields that the component makes use of: a field which nobody in a blueprint reads is refused at validation,
with the reason, instead of being dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from mlops_stacks.blueprint import stages
from mlops_stacks.blueprint.stages import StageOptions
from mlops_stacks.blueprint.vocabulary import Platform, Stage

_TAGS = ("owners.**", "tags.*")
_MODEL_NAMES = ("models.*",)
_STEP_FIELDS = (
    "workload.entry_point",
    "workload.path",
    "secrets.**",
    "models.*.parameters.**",
    "models.*.acceptance.**",
    "models.*.approval",
    "models.*.pipeline.schedule.**",
    "models.*.pipeline.retries",
    "models.*.pipeline.timeout_minutes",
    "models.*.release",
    "models.*.features.**",
)


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to implement one stage.

    `reads` are patterns of field paths from the blueprint's root: `*` stands for one key or index, `**` for all that
    follows. The options of the stage itself are read by definition, but for those in `ignores`, with the reason.
    """

    stage: Stage
    name: str
    platforms: tuple[Platform, ...]
    title: str
    options: type[StageOptions] = StageOptions
    reads: tuple[str, ...] = ()
    needs: tuple[Stage, ...] = ()
    """Stages without which this engine cannot work."""
    ignores: tuple[tuple[str, str], ...] = ()
    """Option -> why it means nothing here."""
    state: str = ""
    """The upstream's state, if it is not simply maintained, with a date."""

    @property
    def module(self) -> str:
        """The module in which the component is, or will be."""
        package = f"mlops_components.{self.stage.value}"
        return f"{package}.{self.name}.foundation" if self._is_package else f"{package}.{self.name}"

    @property
    def _is_package(self) -> bool:
        return self.stage is Stage.FOUNDATION and self.name != Platform.LOCAL

    @property
    def has_component(self) -> bool:
        """Whether this engine can be composed today."""
        return _module_exists(self.module)

    def reads_field(self, path: str) -> bool:
        """Whether this engine makes use of the blueprint field at `path` (dotted, from the root)."""
        own = f"stages.{self.stage.value}."
        if path.startswith(own):
            return True
        return any(_matches(path.split("."), pattern.split(".")) for pattern in self.reads)


def _matches(path: list[str], pattern: list[str]) -> bool:
    if pattern[-1] == "**":
        return len(path) >= len(pattern) and _matches(path[: len(pattern) - 1], pattern[:-1])
    return len(path) == len(pattern) and all(want in ("*", part) for part, want in zip(path, pattern, strict=True))


@cache
def _module_exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _engine(stage: Stage, name: str, platform: Platform, title: str, **more: object) -> Engine:
    return Engine(stage, name, (platform,), title, **more)  # type: ignore[arg-type]


AWS, GCP, AZURE, K8S, LOCAL = Platform.AWS, Platform.GCP, Platform.AZURE, Platform.KUBERNETES, Platform.LOCAL
_STATELESS = (("lifecycle", "nothing in this stage holds data"),)

ENGINES: tuple[Engine, ...] = (
    # foundation
    _engine(Stage.FOUNDATION, "aws", AWS, "S3, KMS, ECR, IAM", options=stages.AwsFoundation, reads=_TAGS),
    _engine(Stage.FOUNDATION, "gcp", GCP, "Cloud Storage, KMS, Artifact Registry, IAM"),
    _engine(Stage.FOUNDATION, "azure", AZURE, "Storage, Key Vault, ACR, managed identity"),
    _engine(Stage.FOUNDATION, "kubernetes", K8S, "namespaces, RBAC, network policies, object store"),
    _engine(Stage.FOUNDATION, "local", LOCAL, "directories, ports, supervisord"),
    # feature_store
    _engine(Stage.FEATURE_STORE, "sagemaker", AWS, "SageMaker Feature Store"),
    _engine(Stage.FEATURE_STORE, "vertex", GCP, "Vertex AI Feature Store"),
    _engine(Stage.FEATURE_STORE, "azure_ml", AZURE, "Azure ML feature store"),
    _engine(Stage.FEATURE_STORE, "feast", K8S, "Feast with a DVC remote"),
    _engine(
        Stage.FEATURE_STORE,
        "local",
        LOCAL,
        "Feast on SQLite and Parquet",
        reads=("feature_groups.**",),
        needs=(Stage.FOUNDATION,),
    ),
    # workbench
    _engine(Stage.WORKBENCH, "sagemaker_studio", AWS, "SageMaker Studio"),
    _engine(Stage.WORKBENCH, "vertex_workbench", GCP, "Vertex AI Workbench"),
    _engine(Stage.WORKBENCH, "colab_enterprise", GCP, "Colab Enterprise"),
    _engine(Stage.WORKBENCH, "azure_ml", AZURE, "Azure ML compute"),
    _engine(Stage.WORKBENCH, "jupyterhub", K8S, "JupyterHub"),
    _engine(
        Stage.WORKBENCH,
        "local",
        LOCAL,
        "JupyterLab",
        options=stages.LocalWorkbench,
        reads=("workload.entry_point", "workload.path"),
        needs=(Stage.FOUNDATION,),
    ),
    # continuous_integration
    _engine(Stage.CONTINUOUS_INTEGRATION, "codepipeline", AWS, "CodePipeline and CodeBuild"),
    _engine(Stage.CONTINUOUS_INTEGRATION, "cloud_build", GCP, "Cloud Build"),
    _engine(Stage.CONTINUOUS_INTEGRATION, "azure_devops", AZURE, "Azure DevOps"),
    Engine(Stage.CONTINUOUS_INTEGRATION, "gitlab_ci", (K8S, AWS), "GitLab CI"),
    Engine(Stage.CONTINUOUS_INTEGRATION, "github_actions", (K8S, AWS, AZURE), "GitHub Actions"),
    _engine(Stage.CONTINUOUS_INTEGRATION, "jenkins", K8S, "Jenkins"),
    _engine(
        Stage.CONTINUOUS_INTEGRATION,
        "local",
        LOCAL,
        "a bare git repository with a hook",
        options=stages.LocalContinuousIntegration,
        reads=(
            *_MODEL_NAMES,
            "workload.entry_point",
            "secrets.**",
            "models.*.parameters.**",
            "models.*.pipeline.timeout_minutes",
        ),
        needs=(Stage.FOUNDATION,),
    ),
    # pipeline_delivery
    _engine(Stage.PIPELINE_DELIVERY, "codepipeline", AWS, "CodePipeline"),
    _engine(Stage.PIPELINE_DELIVERY, "cloud_composer", GCP, "Cloud Composer"),
    _engine(Stage.PIPELINE_DELIVERY, "azure_devops", AZURE, "Azure DevOps"),
    _engine(Stage.PIPELINE_DELIVERY, "airflow", K8S, "Airflow DAG delivery"),
    _engine(
        Stage.PIPELINE_DELIVERY,
        "local",
        LOCAL,
        "versioned pipeline packages",
        needs=(Stage.FOUNDATION, Stage.TRAINING_PIPELINE),
    ),
    # experiment_tracking
    _engine(
        Stage.EXPERIMENT_TRACKING,
        "sagemaker_mlflow",
        AWS,
        "SageMaker managed MLflow",
        options=stages.SageMakerMlflow,
        reads=(*_TAGS, *_MODEL_NAMES),
        needs=(Stage.FOUNDATION,),
    ),
    _engine(Stage.EXPERIMENT_TRACKING, "sagemaker_experiments", AWS, "SageMaker Experiments"),
    _engine(Stage.EXPERIMENT_TRACKING, "vertex_experiments", GCP, "Vertex AI Experiments"),
    _engine(Stage.EXPERIMENT_TRACKING, "azure_ml", AZURE, "Azure ML runs"),
    _engine(Stage.EXPERIMENT_TRACKING, "mlflow", K8S, "MLflow"),
    _engine(Stage.EXPERIMENT_TRACKING, "wandb", K8S, "Weights & Biases"),
    _engine(
        Stage.EXPERIMENT_TRACKING,
        "local",
        LOCAL,
        "MLflow",
        options=stages.LocalTracking,
        reads=(*_TAGS, *_MODEL_NAMES),
        needs=(Stage.FOUNDATION,),
    ),
    # model_registry
    _engine(
        Stage.MODEL_REGISTRY,
        "sagemaker",
        AWS,
        "SageMaker model packages",
        reads=(*_TAGS, *_MODEL_NAMES, "models.*.description"),
    ),
    _engine(Stage.MODEL_REGISTRY, "vertex", GCP, "Vertex AI Model Registry"),
    _engine(Stage.MODEL_REGISTRY, "azure_ml", AZURE, "Azure ML registry"),
    _engine(Stage.MODEL_REGISTRY, "mlflow", K8S, "MLflow Registry"),
    _engine(
        Stage.MODEL_REGISTRY,
        "modeldb",
        K8S,
        "ModelDB",
        state="dormant: last commit by a person on 2024-03-11; use mlflow",
    ),
    _engine(
        Stage.MODEL_REGISTRY,
        "local",
        LOCAL,
        "MLflow Registry",
        reads=(*_TAGS, *_MODEL_NAMES, "models.*.description"),
        needs=(Stage.FOUNDATION,),
    ),
    # training_pipeline
    _engine(Stage.TRAINING_PIPELINE, "sagemaker", AWS, "SageMaker Pipelines"),
    _engine(Stage.TRAINING_PIPELINE, "step_functions", AWS, "Step Functions"),
    _engine(Stage.TRAINING_PIPELINE, "vertex", GCP, "Vertex AI Pipelines"),
    _engine(Stage.TRAINING_PIPELINE, "azure_ml", AZURE, "Azure ML pipelines"),
    _engine(Stage.TRAINING_PIPELINE, "airflow", K8S, "Airflow"),
    _engine(Stage.TRAINING_PIPELINE, "kubeflow", K8S, "Kubeflow Pipelines"),
    _engine(
        Stage.TRAINING_PIPELINE,
        "local",
        LOCAL,
        "step runner and scheduler",
        reads=(*_MODEL_NAMES, *_STEP_FIELDS),
        needs=(Stage.FOUNDATION,),
        ignores=_STATELESS,
    ),
    # serving
    _engine(Stage.SERVING, "sagemaker", AWS, "SageMaker endpoints"),
    _engine(Stage.SERVING, "lambda", AWS, "Lambda"),
    _engine(Stage.SERVING, "ecs", AWS, "ECS on Fargate"),
    _engine(Stage.SERVING, "vertex", GCP, "Vertex AI endpoints"),
    _engine(Stage.SERVING, "azure_ml", AZURE, "Azure ML endpoints"),
    _engine(Stage.SERVING, "kserve", K8S, "KServe"),
    _engine(Stage.SERVING, "seldon", K8S, "Seldon Core", state="needs a paid licence after 1.17 (2024-01); use kserve"),
    _engine(Stage.SERVING, "torchserve", K8S, "TorchServe", state="archived on 2025-08-07; use kserve"),
    _engine(Stage.SERVING, "mlflow", K8S, "MLflow server"),
    _engine(
        Stage.SERVING,
        "local",
        LOCAL,
        "the project's own server",
        options=stages.LocalServing,
        reads=(
            *_MODEL_NAMES,
            "workload.entry_point",
            "workload.path",
            "models.*.release",
            "models.*.rollout.strategy",
            "models.*.realtime.workers",
            "models.*.realtime.port",
            "models.*.realtime.capture.**",
        ),
        needs=(Stage.FOUNDATION, Stage.MODEL_REGISTRY),
        ignores=_STATELESS,
    ),
    # monitoring
    _engine(Stage.MONITORING, "sagemaker", AWS, "SageMaker Model Monitor and CloudWatch"),
    _engine(Stage.MONITORING, "vertex", GCP, "Vertex AI Model Monitoring"),
    _engine(Stage.MONITORING, "azure_ml", AZURE, "Azure ML monitors"),
    _engine(Stage.MONITORING, "prometheus", K8S, "Prometheus, Grafana and Evidently"),
    _engine(
        Stage.MONITORING,
        "local",
        LOCAL,
        "Evidently and Prometheus metrics",
        options=stages.LocalMonitoring,
        reads=(
            *_MODEL_NAMES,
            "workload.entry_point",
            "workload.path",
            "models.*.monitoring.**",
            "models.*.retraining.**",
        ),
        needs=(Stage.FOUNDATION, Stage.SERVING),
    ),
)


def engines_of(stage: Stage, platform: Platform | None = None) -> Iterator[Engine]:
    """The engines of a stage (on a platform), the default one first."""
    return (e for e in ENGINES if e.stage is stage and (platform is None or platform in e.platforms))


def find_engine(stage: Stage, platform: Platform, name: str | None) -> Engine | None:
    """The engine of this name, or the platform's default one; None where there is no such engine."""
    return next((e for e in engines_of(stage, platform) if name is None or e.name == name), None)
