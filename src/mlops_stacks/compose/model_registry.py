"""Blueprint -> model registry."""

from __future__ import annotations

from typing import Any

from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose.context import Context


def build(context: Context) -> Any:
    """The registry, with a place for the versions of each model."""
    if context.options(Stage.MODEL_REGISTRY).platform is Platform.LOCAL:
        return _local(context)
    return _sagemaker(context)


def _local(context: Context) -> Any:
    from mlops_components.model_registry.local import LocalModelRegistry
    from mlops_stacks.compose import local

    tracking = context.contract(Stage.EXPERIMENT_TRACKING)
    server = local.mlflow_server(context, None) if tracking is None else None
    return LocalModelRegistry(
        "model-registry",
        {
            "models": {
                name: {"name": name, "description": model.description}
                for name, model in context.settings.models.items()
            },
            "tracking_uri": None if tracking is None else tracking.tracking_uri,
            "server": server,
            "tags": local.tags(context),
            "lifecycle": local.lifecycle(context, Stage.MODEL_REGISTRY),  # type: ignore[typeddict-item]
        },
    )


def _sagemaker(context: Context) -> Any:
    from mlops_components.model_registry.sagemaker import SageMakerModelRegistry
    from mlops_stacks.compose import aws

    models = context.settings.models
    args = {
        "placement": aws.placement(context),
        "models": sorted(models),
        "descriptions": {name: model.description for name, model in models.items() if model.description},
        "reader_account_ids": aws.other_accounts(context),
        "lifecycle": aws.lifecycle(context, Stage.MODEL_REGISTRY),
    }
    return SageMakerModelRegistry("model-registry", args, aws.options(context))  # type: ignore[arg-type]
