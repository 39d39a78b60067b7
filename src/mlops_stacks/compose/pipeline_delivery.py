"""Blueprint -> pipeline delivery."""

from __future__ import annotations

from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context


def build(context: Context) -> Any:
    """The store from which every environment takes its pipeline package."""
    return _local(context)


def _local(context: Context) -> Any:
    from mlops_components.pipeline_delivery.local import LocalPipelineDelivery
    from mlops_stacks.compose import local

    return LocalPipelineDelivery(
        "pipeline-delivery",
        {
            "directory": f"{local.home(context)}/{context.scope}/packages",
            "lifecycle": local.lifecycle(context, Stage.PIPELINE_DELIVERY),  # type: ignore[typeddict-item]
        },
    )
