"""Blueprint -> CI 1."""

from __future__ import annotations

from typing import Any

from mlops_components.continuous_integration.local import LocalContinuousIntegration
from mlops_stacks.blueprint.local_stages import LocalContinuousIntegration as Options
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common
from mlops_stacks.compose.pipelines import pipeline_spec


def build(context: Context) -> Any:
    """What judges a pushed commit."""
    chosen: Options = context.options(Stage.CONTINUOUS_INTEGRATION)
    delivery = context.contract(Stage.PIPELINE_DELIVERY)
    workload, features = context.settings.workload, context.settings.stages.feature_store
    return LocalContinuousIntegration(
        "continuous-integration",
        {
            "blueprint": context.blueprint.name,
            "directory": f"{common.home(context)}/{context.scope}/ci",
            "package_folder": None if delivery is None else delivery.packages,
            "built_branch": chosen.branch,
            "workload_folder": chosen.folder,
            "entry_point": None if workload is None else workload.entry_point,
            "test_command": list(chosen.test_command),
            "timeout_minutes": chosen.timeout_minutes,
            "smoke_parameters": dict(chosen.smoke_parameters),
            "models": {
                name: {
                    "pipeline": pipeline_spec(name, model),
                    "parameters": dict(model.parameters),
                    "features": list(model.features),
                }
                for name, model in context.settings.models.items()
            },
            "feature_groups": None if features is None else context.settings.feature_groups,
            "secrets": common.secrets(context),
            "lifecycle": common.lifecycle(context, Stage.CONTINUOUS_INTEGRATION),  # type: ignore[typeddict-item]
        },
    )
