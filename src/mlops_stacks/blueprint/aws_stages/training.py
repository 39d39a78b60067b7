"""The options of training pipelines on AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mlops_stacks.blueprint.stage_options import StageOptions

Machine = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
"""A machine of SageMaker, e.g. `ml.m5.xlarge`."""


class AwsTraining(StageOptions):
    """What both engines of training pipelines on AWS take."""

    machine: Machine = "ml.m5.xlarge"
    """Machine of a step whose model says nothing of `compute`, and of all steps but training and tuning where it names
    one that can only train."""
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 30
    """Disk of each step."""
    flexible_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    """A scheduled run may start so much later, which spreads load."""


class SageMakerTraining(AwsTraining):
    """Training pipelines run by SageMaker Pipelines."""

    engine: Literal["sagemaker"] = "sagemaker"
    cache_hours: Annotated[int, Field(ge=1, le=8760)] | None = None
    """For so long a run with the same parameters, settings and image takes over what an earlier one did; default: it
    never does."""


class StepFunctionsTraining(AwsTraining):
    """Training pipelines run by Step Functions."""

    engine: Literal["step_functions"] = "step_functions"
