"""What the monitor of an environment is told.

Written by the composition and completed by the component, read by `mlops_stacks.runtime.monitoring`.
"""

from typing import NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.spec.feature import FeatureStoreRef
from mlops_components.spec.pipeline import Schedule
from mlops_components.spec.settings import WorkloadRef


class Limits(TypedDict):
    """From which values on somebody is told."""

    drift: dict[str, float]
    """Feature -> largest distance from the reference that is no drift; the others are calibrated."""
    drifted_features: int
    """So many features over their limit are a drifted report."""
    windows_running: int
    """So many windows in a row, one after the other, must have drifted for an alarm."""
    error_rate_percent: float
    """Largest share of requests answered with an error."""
    latency_p99_ms: float
    """Largest 99th percentile of the time to answer."""
    minimum_quality: dict[str, float]
    """Metric of the workload's `evaluate` -> smallest value on rows whose labels have arrived."""


class RetrainingSettings(TypedDict):
    """When the training pipeline starts because of drift."""

    on_drift: bool
    cooldown_hours: float
    """No second start within so many hours."""
    pipeline: Optional[str]
    """Path of the pipeline definition; None: there is no training pipeline."""


class WatchedModel(TypedDict):
    """One served model."""

    version: str
    """The version that is served."""
    endpoint: str
    """URL of its server."""
    capture: Optional[str]
    """Folder URI of its captured requests; None: none are kept, so there is no drift to see."""
    labels: str
    """Folder URI of its labels (`*.jsonl`, see `mlops_stacks.runtime.monitoring.labels`); it need not exist."""
    runs: list[str]
    """Folders of pipeline runs on this machine in which the run that made the version is looked for."""
    workload: WorkloadRef
    feature_store: NotRequired[Optional[FeatureStoreRef]]
    """Where the features are that a model reads; None: there is no feature store."""
    schedule: Schedule
    """When a report is made."""
    window_days: int
    """Days that a report looks back on, up to the midnight before it is due."""
    keep_pages: int
    """So many HTML pages of reports are kept; what they found is kept for good."""
    limits: Limits
    """From which values on somebody is told."""
    retraining: RetrainingSettings


class MonitorSettings(TypedDict):
    """The monitor of one environment."""

    blueprint: str
    environment: str
    host: str
    port: int
    folder: str
    """Path of the folder of reports, thresholds, alarms and retrainings: a folder for each model."""
    models: dict[str, WatchedModel]
    """Model name of the blueprint -> what is watched."""


class ReferenceSettings(TypedDict):
    """Where the rows are that a served version was trained on, and where they are to be put for its monitors."""

    model: str
    version: str
    workload: WorkloadRef
    runs: list[str]
    """Folder URIs of pipeline runs in which the run that made the version is looked for."""
    output: str
    """Folder URI, in which `inputs`, `labelled`, `bias` and `explainability` get a table each."""
    columns: dict[str, list[str]]
    """Kind of monitor -> the model's inputs as the blueprint lists them; they must be the workload's."""
