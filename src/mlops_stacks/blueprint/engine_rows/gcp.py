"""The engines of Google Cloud."""

from __future__ import annotations

from functools import partial

from mlops_stacks.blueprint.engine import Engine, engine_on
from mlops_stacks.blueprint.vocabulary import Platform, Stage

_on = partial(engine_on, Platform.GCP)

ENGINES: tuple[Engine, ...] = (
    _on(Stage.FOUNDATION, "gcp", "Cloud Storage, KMS, Artifact Registry, IAM"),
    _on(Stage.FEATURE_STORE, "vertex", "Vertex AI Feature Store"),
    _on(Stage.WORKBENCH, "vertex_workbench", "Vertex AI Workbench"),
    _on(Stage.WORKBENCH, "colab_enterprise", "Colab Enterprise"),
    _on(Stage.CONTINUOUS_INTEGRATION, "cloud_build", "Cloud Build"),
    _on(Stage.PIPELINE_DELIVERY, "cloud_composer", "Cloud Composer"),
    _on(Stage.EXPERIMENT_TRACKING, "vertex_experiments", "Vertex AI Experiments"),
    _on(Stage.MODEL_REGISTRY, "vertex", "Vertex AI Model Registry"),
    _on(Stage.TRAINING_PIPELINE, "vertex", "Vertex AI Pipelines"),
    _on(Stage.SERVING, "vertex", "Vertex AI endpoints"),
    _on(Stage.MONITORING, "vertex", "Vertex AI Model Monitoring"),
)
