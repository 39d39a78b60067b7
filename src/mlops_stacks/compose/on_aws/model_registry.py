"""Blueprint -> model registry."""

from __future__ import annotations

from typing import Any

from mlops_components.model_registry.sagemaker import SageMakerModelRegistry
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common


def build(context: Context) -> Any:
    """The registry, with a place for the versions of each model."""
    models = context.settings.models
    args = {
        "placement": common.placement(context),
        "models": sorted(models),
        "descriptions": {name: model.description for name, model in models.items() if model.description},
        "reader_account_ids": common.other_accounts(context),
        "lifecycle": common.lifecycle(context, Stage.MODEL_REGISTRY),
    }
    return SageMakerModelRegistry("model-registry", args, common.options(context))  # type: ignore[arg-type]
