"""Blueprint -> workbench."""

from __future__ import annotations

from typing import Any

from mlops_components.workbench.local import LocalWorkbench
from mlops_stacks.blueprint.local_stages import LocalWorkbench as Options
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common


def build(context: Context) -> Any:
    """Notebooks for people."""
    chosen: Options = context.options(Stage.WORKBENCH)
    foundation: Any = context.contract(Stage.FOUNDATION)
    return LocalWorkbench(
        "workbench",
        {
            "directory": f"{common.home(context)}/{context.scope}/workbench",
            "supervisor": foundation.supervisor,
            "ports": foundation.ports,
            "environment": _variables(context),
            "port": chosen.port,
            "kernel_idle_minutes": chosen.kernel_idle_minutes,
            "lifecycle": common.lifecycle(context, Stage.WORKBENCH),  # type: ignore[typeddict-item]
        },
    )


def _variables(context: Context) -> dict[str, Any]:
    """What every notebook finds in its environment. Notebooks work on the first environment: it is where one tries."""
    first = next(iter(context.blueprint.environments))
    variables: dict[str, Any] = {
        "MLOPS_STACKS_BLUEPRINT": context.blueprint.name,
        "MLOPS_STACKS_ENVIRONMENT": first,
    }
    tracking, registry = context.contract(Stage.EXPERIMENT_TRACKING), context.contract(Stage.MODEL_REGISTRY)
    if tracking is not None:
        variables["MLFLOW_TRACKING_URI"] = tracking.tracking_uri
        variables["MLFLOW_EXPERIMENT_NAME"] = tracking.experiments.apply(lambda names: names[common.WORKBENCH])
    if registry is not None:
        variables["MLFLOW_REGISTRY_URI"] = registry.registry_uri
    features = context.blueprint.environments[first].settings.stages.feature_store
    if features is not None and features.platform is Platform.LOCAL:
        variables["MLOPS_STACKS_FEATURE_REPOSITORY"] = common.feature_repository(context, first)
    if context.settings.workload is not None:
        variables["MLOPS_STACKS_WORKLOAD"] = context.settings.workload.entry_point
        variables["PYTHONPATH"] = common.workload(context).get("path")
    return variables
