"""The arguments of serving with SageMaker."""

from enum import StrEnum
from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.placement import AwsPlacement
from mlops_components.spec.pipeline import Schedule
from mlops_components.spec.rollout import Rollout


class EndpointMode(StrEnum):
    """What a model is served by."""

    INSTANCES = "instances"
    """Machines that wait for requests."""
    SERVERLESS = "serverless"
    """Copies that come with requests and go after them."""
    ASYNCHRONOUS = "asynchronous"
    """Machines that take requests from S3 and put answers there."""


class BatchLines(StrEnum):
    """What a line of a batch job's input is."""

    JSON = "json"
    """An object: column and value."""
    CSV = "csv"
    """The columns' values, in the model's order."""


class SageMakerVersion(TypedDict):
    """One version of a model."""

    version: str
    """Its number in the registry."""
    model_package_arn: pulumi.Input[str]
    """ARN of the model package, which names image and files."""
    settings: pulumi.Input[str]
    """The `ServerSettings` of the version as JSON; the server reads them from S3 when it starts."""


class SageMakerScaling(TypedDict):
    """How many copies there are."""

    minimum: int
    """At least so many; 0 only where requests wait in S3."""
    maximum: int
    """At most so many."""
    requests_per_minute: NotRequired[Optional[float]]
    """Load of one copy above which another is added. None: always the minimum."""


class SageMakerServerless(TypedDict):
    """A serverless endpoint's size."""

    memory_mb: int
    """1024 to 6144, in steps of 1024."""
    concurrency: int
    """Requests that are answered at the same time, 1 to 200."""
    provisioned: NotRequired[Optional[int]]
    """Copies that are kept warm. Default: none."""


class SageMakerAsynchronous(TypedDict):
    """Where the answers of an asynchronous endpoint go."""

    output: pulumi.Input[str]
    """Folder URI of the answers."""
    failures: pulumi.Input[str]
    """Folder URI of what could not be answered."""
    concurrent_per_copy: NotRequired[Optional[int]]
    """Requests that a copy works on at the same time. Default: SageMaker's choice."""
    success_topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told of each answer. Default: none."""
    error_topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told of each failure. Default: none."""


class SageMakerCapture(TypedDict):
    """Which requests SageMaker keeps."""

    uri: pulumi.Input[str]
    """Folder URI."""
    sample_percent: float
    """0 to 100; SageMaker takes whole numbers."""


class SageMakerBatch(TypedDict):
    """Predictions on a schedule."""

    schedule: Schedule
    """When a job starts."""
    input: pulumi.Input[str]
    """Folder URI of the rows."""
    output: pulumi.Input[str]
    """Folder URI of the predictions; each job has a folder of its own in it, named after its time."""
    instance_type: str
    """Machine of the job."""
    machines: int
    """How many of them."""
    lines: NotRequired[BatchLines]
    """What a line of the input is; default `json`."""
    schedule_role_arn: pulumi.Input[str]
    """Role by which the scheduler starts the job."""
    failure_topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told of a job that failed. Default: none."""


class SageMakerServedModel(TypedDict):
    """One released model."""

    released: SageMakerVersion
    """The version that answers."""
    challenger: NotRequired[Optional[SageMakerVersion]]
    """A version that is tried beside it, by the strategies `shadow` and `ab`. Default: none."""
    realtime: NotRequired[bool]
    """Whether there is an endpoint; default true. Without one there is `batch`."""
    mode: NotRequired[EndpointMode]
    """Default `instances`."""
    instance_type: NotRequired[str]
    """Machine of a copy; needed but for serverless."""
    volume_gb: NotRequired[Optional[int]]
    """Storage of a copy. Default: the machine's own."""
    startup_seconds: NotRequired[int]
    """A copy that is not ready after so many seconds has failed; default 600."""
    scaling: NotRequired[Optional[SageMakerScaling]]
    """Default: one copy."""
    serverless: NotRequired[Optional[SageMakerServerless]]
    """Needed for the mode `serverless`."""
    asynchronous: NotRequired[Optional[SageMakerAsynchronous]]
    """Needed for the mode `asynchronous`."""
    capture: NotRequired[Optional[SageMakerCapture]]
    """Only in the mode `instances`. Default: nothing is kept."""
    rollout: NotRequired[Optional[Rollout]]
    """Default: all at once."""
    rolling_percent: NotRequired[Optional[int]]
    """5 to 50: replace so many percent of the copies at a time. Default: a second fleet."""
    keep_old_minutes: NotRequired[int]
    """How long the copies of the version before are kept once the new one has all traffic; default 0."""
    batch: NotRequired[Optional[SageMakerBatch]]
    """Default: none."""


class SageMakerNetwork(TypedDict):
    """Where the machines are."""

    subnet_ids: pulumi.Input[list[str]]
    """Private subnets."""
    security_group_ids: list[pulumi.Input[str]]
    """What they may reach."""


class SageMakerServingArgs(TypedDict):
    """What serving with SageMaker consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    role_arn: pulumi.Input[str]
    """Role of the machines."""
    settings_bucket: pulumi.Input[str]
    """Bucket that takes the servers' settings."""
    models: dict[str, SageMakerServedModel]
    """Model name of the blueprint -> how it is served. A model whose release is `none` is not in it."""
    network: NotRequired[Optional[SageMakerNetwork]]
    """Default: SageMaker's own network."""
    key_arn: NotRequired[pulumi.Input[str]]
    """Key that encrypts volumes, captured requests, answers and predictions. Default: the services' own."""
    log_days: NotRequired[int]
    """Logs are deleted after so many days; default 90."""
