"""What the step command and the server are told: the documents that a platform hands to the runtime.

Written by the composition (or by a component, where a value is only known after deployment), read by
`mlops_stacks.runtime`.
"""

from typing import Any, NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.spec.closed import closed
from mlops_components.spec.feature import AnyFeatureStoreRef


class WorkloadRef(TypedDict):
    """Where the user's code is."""

    entry_point: str
    """`package.module:attribute`, an object that fulfils `mlops_stacks.runtime.workload.Workload`."""
    path: NotRequired[Optional[str]]
    """Folder put on the import path first; None inside an image, where the package is installed."""
    commit: NotRequired[Optional[str]]
    """Commit that a delivered package was built from; None: that of the folder."""
    package: NotRequired[Optional[str]]
    """Version of the delivered package; None: the workload was not delivered as one."""


class SecretRef(TypedDict):
    """Where a secret is; its value never stands in a document."""

    source: str
    """`environment` (of the process that runs the step), `file` (readable by its owner only) or `manager` (of the
    platform that the step runs on)."""
    key: str
    """Name of the variable, path of the file, name or ARN in the manager."""


@closed
class MetricThreshold(TypedDict):
    """What a candidate model must reach in its evaluation."""

    metric: str
    """A name that the workload's `evaluate` reports, e.g. `auc`."""
    minimum: NotRequired[Optional[float]]
    """Smallest value that passes."""
    maximum: NotRequired[Optional[float]]
    """Largest value that passes."""


@closed
class Acceptance(TypedDict):
    """When a trained model may be registered."""

    thresholds: NotRequired[list[MetricThreshold]]
    """All must hold."""
    better_than_serving: NotRequired[Optional[str]]
    """A metric in which the candidate must not be worse than the version now released; None: no comparison."""
    higher_is_better: NotRequired[bool]
    """The direction of `better_than_serving`; default true."""


class StepSettings(TypedDict):
    """One model's pipeline in one environment, as the steps see it."""

    blueprint: str
    environment: str
    model: str
    workload: WorkloadRef
    parameters: dict[str, Any]
    """The blueprint's parameters of this model, handed to the workload as they are."""
    acceptance: Acceptance
    tracking_uri: Optional[str]
    """MLflow tracking URI; None: runs are not tracked."""
    experiment: Optional[str]
    registry_uri: Optional[str]
    """MLflow registry URI; None: the register step stores the model under the run folder only."""
    registered_model: Optional[str]
    approval: str
    """`manual` (a version waits for a person) or `automatic` (a version that passed is approved)."""
    serving_version: Optional[str]
    """The version released in this environment; None before the first release."""
    secrets: NotRequired[dict[str, SecretRef]]
    """Environment variable of each step -> where its value is."""
    features: NotRequired[list[str]]
    """`<group>.<feature>`: what the model reads from the feature store."""
    feature_store: NotRequired[Optional[AnyFeatureStoreRef]]
    """Where features are; None: there is no feature store."""


class CaptureSettings(TypedDict):
    """Which requests and predictions are kept for monitoring."""

    uri: str
    """Folder URI; one JSON-lines file a day and process below `<model>/`."""
    sample_percent: float
    """0 to 100."""
    at_once: NotRequired[bool]
    """Whether a request is written before it is answered, where the process may be halted afterwards; default false."""


class ServerSettings(TypedDict):
    """One served model version."""

    blueprint: str
    environment: str
    model: str
    version: str
    model_uri: str
    """What MLflow loads, e.g. `models:/flight_delay/3`."""
    tracking_uri: Optional[str]
    registry_uri: Optional[str]
    workload: Optional[WorkloadRef]
    """Import path of code that the model's pickle refers to; None where the image has it."""
    host: str
    port: int
    workers: int
    capture: Optional[CaptureSettings]
    feature_store: NotRequired[Optional[AnyFeatureStoreRef]]
    """Where the features are that a request does not bring; None: there is no feature store."""
