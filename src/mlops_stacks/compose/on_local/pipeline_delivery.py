"""Blueprint -> pipeline delivery."""

from __future__ import annotations

from typing import Any

from mlops_components.pipeline_delivery.local import LocalPipelineDelivery
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common


def build(context: Context) -> Any:
    """The store from which every environment takes its pipeline package."""
    return LocalPipelineDelivery(
        "pipeline-delivery",
        {
            "directory": f"{common.home(context)}/{context.scope}/packages",
            "lifecycle": common.lifecycle(context, Stage.PIPELINE_DELIVERY),  # type: ignore[typeddict-item]
        },
    )
