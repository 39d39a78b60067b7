"""The options of experiment tracking on AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from mlops_stacks.blueprint.stage_options import StageOptions


class SageMakerMlflow(StageOptions):
    """Managed MLflow of SageMaker."""

    engine: Literal["sagemaker_mlflow"] = "sagemaker_mlflow"
    flavour: Literal["app", "server"] = "app"
    """`app` is serverless; `server` is a tracking server of a size, billed by the hour."""
    size: Literal["Small", "Medium", "Large"] | None = None
    """Size of a tracking server; default Small. An app has none."""
    maintenance_window: Annotated[
        str, StringConstraints(pattern=r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):[0-9]{2}:[0-9]{2}$")
    ] = "Sun:03:00"
    """Weekly start of maintenance, in UTC."""


class SageMakerExperiments(StageOptions):
    """SageMaker Experiments, without MLflow."""

    engine: Literal["sagemaker_experiments"] = "sagemaker_experiments"
