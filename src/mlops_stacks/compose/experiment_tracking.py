"""Blueprint -> experiment tracking."""

from __future__ import annotations

from typing import Any

from mlops_stacks.blueprint.stages import LocalTracking, SageMakerMlflow
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose.context import Context


def build(context: Context) -> Any:
    """The tracking server of a scope, with an experiment per model."""
    if context.options(Stage.EXPERIMENT_TRACKING).platform is Platform.LOCAL:
        return _local(context)
    return _sagemaker_mlflow(context)


def _local(context: Context) -> Any:
    from mlops_components.experiment_tracking.local import LocalExperimentTracking
    from mlops_stacks.compose import local

    chosen: LocalTracking = context.options(Stage.EXPERIMENT_TRACKING)
    # One server for all environments, so each of their models has an experiment of its own.
    experiments = {
        local.experiment(environment, model): local.experiment(environment, model)
        for environment, of in context.blueprint.environments.items()
        for model in of.settings.models
    }
    if context.settings.stages.workbench is not None:
        experiments[local.WORKBENCH] = local.WORKBENCH
    return LocalExperimentTracking(
        "experiment-tracking",
        {
            "server": local.mlflow_server(context, chosen.port),
            "experiments": experiments,
            "tags": local.tags(context),
            "lifecycle": local.lifecycle(context, Stage.EXPERIMENT_TRACKING),  # type: ignore[typeddict-item]
        },
    )


def _sagemaker_mlflow(context: Context) -> Any:
    from mlops_components.experiment_tracking import sagemaker_mlflow as engine
    from mlops_stacks.compose import aws

    chosen: SageMakerMlflow = context.options(Stage.EXPERIMENT_TRACKING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    role = aws.identity(
        context,
        Stage.EXPERIMENT_TRACKING,
        "tracking",
        [engine.SERVICE],
        foundation.grant_artifacts_write(engine.ARTIFACT_FOLDER),
    )
    args: dict[str, Any] = {
        "placement": aws.placement(context),
        "models": sorted(context.settings.models),
        "artifact_root": foundation.artifact_root,
        "role_arn": role.role_arn,
        "flavour": chosen.flavour,
        "maintenance_window": chosen.maintenance_window,
        "lifecycle": aws.lifecycle(context, Stage.EXPERIMENT_TRACKING),
    }
    if chosen.size is not None:
        args["size"] = chosen.size
    return engine.SageMakerMlflow("experiment-tracking", args, aws.options(context))  # type: ignore[arg-type]
