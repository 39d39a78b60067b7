"""Blueprint -> experiment tracking."""

from __future__ import annotations

from typing import Any

from mlops_components.experiment_tracking import sagemaker_mlflow as engine
from mlops_stacks.blueprint.aws_stages.tracking import SageMakerMlflow
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common


def build(context: Context) -> Any:
    """Where the runs of a scope are tracked, with an experiment per model."""
    return _BUILDERS[context.options(Stage.EXPERIMENT_TRACKING).engine](context)


def _experiments(context: Context) -> Any:
    # Imported here: whoever tracks with MLflow need not import the second SDK of AWS.
    from mlops_components.experiment_tracking.sagemaker_experiments import SageMakerExperiments

    args: dict[str, Any] = {
        "placement": common.placement(context),
        "models": sorted(context.settings.models),
        "lifecycle": common.lifecycle(context, Stage.EXPERIMENT_TRACKING),
    }
    return SageMakerExperiments("experiment-tracking", args, common.options(context))  # type: ignore[arg-type]


def _mlflow(context: Context) -> Any:
    chosen: SageMakerMlflow = context.options(Stage.EXPERIMENT_TRACKING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    role = common.identity(
        context,
        Stage.EXPERIMENT_TRACKING,
        "tracking",
        [engine.SERVICE],
        foundation.grant_artifacts_write(engine.ARTIFACT_FOLDER),
        # Tracking servers are not among what SageMaker's page on confused deputies names.
        from_any_source=True,
    )
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "models": sorted(context.settings.models),
        "artifact_root": foundation.artifact_root,
        "role_arn": role.role_arn,
        "flavour": chosen.flavour,
        "maintenance_window": chosen.maintenance_window,
        "lifecycle": common.lifecycle(context, Stage.EXPERIMENT_TRACKING),
    }
    if chosen.size is not None:
        args["size"] = chosen.size
    return engine.SageMakerMlflow("experiment-tracking", args, common.options(context))  # type: ignore[arg-type]


_BUILDERS = {"sagemaker_mlflow": _mlflow, "sagemaker_experiments": _experiments}
