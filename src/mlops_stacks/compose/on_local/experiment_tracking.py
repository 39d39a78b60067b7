"""Blueprint -> experiment tracking."""

from __future__ import annotations

from typing import Any

from mlops_components.experiment_tracking.local import LocalExperimentTracking
from mlops_stacks.blueprint.local_stages import LocalTracking
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common


def build(context: Context) -> Any:
    """The tracking server of a scope, with an experiment per model."""
    chosen: LocalTracking = context.options(Stage.EXPERIMENT_TRACKING)
    # One server for all environments, so each of their models has an experiment of its own.
    experiments = {
        common.experiment(environment, model): common.experiment(environment, model)
        for environment, of in context.blueprint.environments.items()
        for model in of.settings.models
    }
    if context.settings.stages.workbench is not None:
        experiments[common.WORKBENCH] = common.WORKBENCH
    return LocalExperimentTracking(
        "experiment-tracking",
        {
            "server": common.mlflow_server(context, chosen.port),
            "experiments": experiments,
            "tags": common.tags(context),
            "lifecycle": common.lifecycle(context, Stage.EXPERIMENT_TRACKING),  # type: ignore[typeddict-item]
        },
    )
