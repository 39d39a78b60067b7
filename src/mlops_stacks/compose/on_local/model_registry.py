"""Blueprint -> model registry."""

from __future__ import annotations

from typing import Any

from mlops_components.model_registry.local import LocalModelRegistry
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common


def build(context: Context) -> Any:
    """The registry, with a place for the versions of each model."""
    tracking = context.contract(Stage.EXPERIMENT_TRACKING)
    server = common.mlflow_server(context, None) if tracking is None else None
    return LocalModelRegistry(
        "model-registry",
        {
            "models": {
                name: {"name": name, "description": model.description}
                for name, model in context.settings.models.items()
            },
            "tracking_uri": None if tracking is None else tracking.tracking_uri,
            "server": server,
            "tags": common.tags(context),
            "lifecycle": common.lifecycle(context, Stage.MODEL_REGISTRY),  # type: ignore[typeddict-item]
        },
    )
