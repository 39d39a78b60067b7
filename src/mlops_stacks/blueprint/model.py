"""One model: how it is trained, released, served and watched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from mlops_components.spec.compute import Compute
from mlops_components.spec.pipeline import Schedule
from mlops_components.spec.rollout import Rollout
from mlops_components.spec.settings import Acceptance
from mlops_components.spec.tuning import BiasCheck, Tuning
from mlops_stacks.blueprint.base import Key, Model
from mlops_stacks.blueprint.vocabulary import Approval

Percent = Annotated[float, Field(ge=0, le=100)]
Positive = Annotated[float, Field(gt=0)]


class Triggers(Model):
    """What starts a run besides its schedule."""

    new_data: bool = False
    """A new object below the data root."""
    folder: str | None = None
    """Only objects in this folder below the data root count; default: all of them."""
    marker: str | None = None
    """Only objects of this name count, such as `_SUCCESS`, which a delivery of many files ends with; default: all."""


class Pipeline(Model):
    """How a model is trained."""

    schedule: Schedule | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    """How often a failed step is tried again."""
    timeout_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] = 60
    """Time limit of each step."""
    compute: Compute | None = None
    """Machine of each step; one that the platform has for training alone, of that step alone. Default: the engine's."""
    triggers: Triggers = Triggers()
    tuning: Tuning | None = None
    """Parameters that are tried before training; default: none."""
    bias_check: BiasCheck | None = None
    """Whether the training rows favour a group; default: not looked at."""


class Autoscaling(Model):
    """How many copies answer."""

    minimum: Annotated[int, Field(ge=0, le=1000)] = 1
    maximum: Annotated[int, Field(ge=1, le=1000)] = 1
    requests_per_minute: Positive | None = None
    """Load of one copy above which another is added."""


class Capture(Model):
    """Which requests and predictions are kept for monitoring."""

    sample_percent: Percent = 100


class Realtime(Model):
    """Predictions on request."""

    compute: Compute | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Server processes of one copy."""
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Port of the server, where the platform has no address of its own; default: a free one, chosen once and kept."""
    autoscaling: Autoscaling | None = None
    capture: Capture | None = Capture()
    """null: nothing is kept."""
    explain: bool = False
    """Whether explanations are offered."""


class Batch(Model):
    """Predictions on a schedule, from a folder into a folder."""

    schedule: Schedule
    input: str
    """Folder of the input below the data root."""
    output: str
    """Folder of the predictions below the data root."""
    compute: Compute | None = None


class Monitoring(Model):
    """What is watched, and from which value on somebody is told."""

    schedule: Schedule | None = None
    """When drift is computed; default: daily."""
    drift: dict[str, Positive] = {}
    """Feature -> largest drift score that is not yet an alarm; default: the engine's calibration."""
    drifted_features: Annotated[int, Field(ge=1)] = 3
    """So many features over their threshold are an alarm."""
    error_rate_percent: Percent | None = None
    """Largest share of requests answered with an error; default 5."""
    latency_p99_ms: Positive | None = None
    """Largest 99th percentile of the time to answer; default 1000."""
    minimum_quality: dict[str, float] = {}
    """Metric -> smallest value once labels have arrived."""


class Retraining(Model):
    """When the training pipeline starts because of what was watched."""

    on_drift: bool = False
    cooldown_hours: Annotated[float, Field(ge=0)] = 24
    """No second start within so many hours."""


Release = Literal["none", "latest_approved"] | Annotated[int, Field(ge=1)]


class ModelConfig(Model):
    """One model of the blueprint."""

    description: str | None = None
    parameters: dict[str, JsonValue] = {}
    """Handed to the workload as they are."""
    features: list[str] = []
    """`<feature group>.<feature>`, what the model reads from the feature store."""
    pipeline: Pipeline = Pipeline()
    acceptance: Acceptance = {}
    approval: Approval = Approval.MANUAL
    release: Release = "none"
    """`none`, a version of the registry, or `latest_approved`, as resolved in the environment's release lock."""
    rollout: Rollout | None = None
    """Default: all at once."""
    realtime: Realtime | None = Realtime()
    batch: Batch | None = None
    monitoring: Monitoring | None = None
    retraining: Retraining | None = None


Models = dict[Key, ModelConfig]
