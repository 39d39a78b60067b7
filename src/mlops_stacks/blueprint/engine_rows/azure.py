"""The engines of Azure."""

from __future__ import annotations

from functools import partial

from mlops_stacks.blueprint.engine import Engine, engine_on
from mlops_stacks.blueprint.vocabulary import Platform, Stage

_on = partial(engine_on, Platform.AZURE)

ENGINES: tuple[Engine, ...] = (
    _on(Stage.FOUNDATION, "azure", "Storage, Key Vault, ACR, managed identity"),
    _on(Stage.FEATURE_STORE, "azure_ml", "Azure ML feature store"),
    _on(Stage.WORKBENCH, "azure_ml", "Azure ML compute"),
    _on(Stage.CONTINUOUS_INTEGRATION, "azure_devops", "Azure DevOps"),
    _on(Stage.CONTINUOUS_INTEGRATION, "github_actions", "GitHub Actions", elsewhere=True),
    _on(Stage.PIPELINE_DELIVERY, "azure_devops", "Azure DevOps"),
    _on(Stage.EXPERIMENT_TRACKING, "azure_ml", "Azure ML runs"),
    _on(Stage.MODEL_REGISTRY, "azure_ml", "Azure ML registry"),
    _on(Stage.TRAINING_PIPELINE, "azure_ml", "Azure ML pipelines"),
    _on(Stage.SERVING, "azure_ml", "Azure ML endpoints"),
    _on(Stage.MONITORING, "azure_ml", "Azure ML monitors"),
)
