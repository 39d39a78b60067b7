"""The options of monitoring on AWS."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mlops_stacks.blueprint.base import Key, Model
from mlops_stacks.blueprint.model import Percent, Positive
from mlops_stacks.blueprint.stage_options import StageOptions

InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
Probability = Annotated[float, Field(gt=0, lt=1)]
Columns = Annotated[tuple[str, ...], Field(min_length=1)]


class Problem(StrEnum):
    """What kind of answer a model gives."""

    BINARY_CLASSIFICATION = "binary_classification"
    MULTICLASS_CLASSIFICATION = "multiclass_classification"
    REGRESSION = "regression"


class ModelQuality(Model):
    """How good predictions are, once labels have arrived in the folder `labels/<model>` of the data root."""

    problem: Problem
    probability_threshold: Probability | None = None
    """From which probability on a prediction is the positive class; default: the model answers with the class."""


class Bias(Model):
    """Whether a group is treated unlike the others; requests must be in CSV."""

    columns: Columns
    """The model's inputs, in its order."""
    facet: str
    """The input that tells the group."""
    facet_values: tuple[str, ...] = ()
    """Values of the facet that make the group; default: each value is a group of its own."""
    label_values: Annotated[tuple[str, ...], Field(min_length=1)]
    """Labels that are the good outcome."""
    probability_threshold: Probability | None = None
    """From which probability on a prediction is the good outcome; default: the model answers with the label."""


class Explainability(Model):
    """Whether predictions rest on the same inputs as before; requests must be in CSV, and the endpoint is asked."""

    columns: Columns
    """The model's inputs, in its order."""
    samples: Annotated[int, Field(ge=1)] | None = None
    """Variants of a row that are asked for; default: Clarify's own choice."""


class SageMakerMonitoring(StageOptions):
    """Model Monitor, Clarify and CloudWatch."""

    engine: Literal["sagemaker"] = "sagemaker"
    data_quality: bool = True
    """Whether requests to endpoints of SageMaker are compared with the training data. AWS takes no new customers for
    Model Monitor since 30 July 2026: `false` leaves alarms and dashboards."""
    model_quality: dict[Key, ModelQuality] = {}
    """Model -> how its predictions are held against labels; default: they are not."""
    bias: dict[Key, Bias] = {}
    """Model -> what is compared between groups; default: nothing. Clarify does it, which takes no new customers."""
    explainability: dict[Key, Explainability] = {}
    """Model -> how inputs are weighed; default: they are not. That, too, is Clarify's."""
    windows_running: Annotated[int, Field(ge=1, le=7)] = 2
    """So many reports in a row must have drifted for an alarm. CloudWatch looks back a week at most."""
    latency_p50_ms: Positive | None = None
    """Largest median of the time to answer; default: the limit of the 99th percentile."""
    latency_p95_ms: Positive | None = None
    """Largest 95th percentile of the time to answer; default: the limit of the 99th."""
    refused_percent: Percent = 20
    """Largest share of requests that are refused (4xx); failed ones have `error_rate_percent` of the model."""
    cpu_percent: Percent = 80
    """Largest share of all processors of an instance that is in use for long."""
    memory_percent: Percent = 80
    gpu_percent: Percent = 90
    """The same for accelerators, for their time and for their memory."""
    instance_type: InstanceType = "ml.m5.xlarge"
    """Machine of the jobs that analyse."""
    instance_count: Annotated[int, Field(ge=1, le=100)] = 1
    volume_gb: Annotated[int, Field(ge=1, le=16384)] = 20
    timeout_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 50
    """Time limit of a job; below an hour, so that an hourly monitor never overtakes itself."""
