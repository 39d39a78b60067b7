"""What monitoring on AWS is told."""

from typing import NotRequired

import pulumi
from typing_extensions import TypedDict

from mlops_components.placement import AwsPlacement


class AwsWatchLimits(TypedDict):
    """From which values on somebody is told. Times are in milliseconds, shares in percent."""

    latency_p50_ms: float
    """Median of the time to answer, in milliseconds."""
    latency_p95_ms: float
    """Its 95th percentile, in milliseconds."""
    latency_p99_ms: float
    """Its 99th percentile, in milliseconds."""
    errors_4xx_percent: float
    """Requests that were refused, of all."""
    errors_5xx_percent: float
    """Requests that failed, of all."""
    cpu_percent: float
    """Of all cores together."""
    memory_percent: float
    """Share of an instance's memory that is in use."""
    gpu_percent: float
    """Of all accelerators together, for their time and for their memory."""
    drift: dict[str, float]
    """Feature -> largest distance from the baseline that is no drift; empty: what the baseline's constraints say."""
    drifted_features: int
    """So many features over their limit are a drifted report."""
    windows_running: int
    """So many reports in a row must have drifted for an alarm."""
    minimum_quality: dict[str, float]
    """Metric of Model Monitor -> smallest value."""


class AwsQualityWatch(TypedDict):
    """How good predictions are, once labels have arrived."""

    problem: str
    """`BinaryClassification`, `MulticlassClassification` or `Regression`."""
    probability_threshold: NotRequired[float]
    """From which probability on a prediction is the positive class; default: predictions are labels already."""


class AwsBiasWatch(TypedDict):
    """Whether a group of people or things is treated unlike the others."""

    columns: list[str]
    """The model's inputs in the order in which requests hold them."""
    facet: str
    """The input that tells the group."""
    facet_values: NotRequired[list[str]]
    """Values of the facet that make the group; default: each value is a group."""
    label_values: list[str]
    """Labels that are the good outcome."""
    probability_threshold: NotRequired[float]
    """From which probability on a prediction is the good outcome; default: predictions are labels already."""


class AwsExplanationWatch(TypedDict):
    """Whether predictions rest on the same inputs as before."""

    columns: list[str]
    """The model's inputs in the order in which requests hold them."""
    samples: NotRequired[int]
    """Variants of a row that are asked for; default: Clarify's own choice."""


class AwsWatchedModel(TypedDict):
    """One served model."""

    version: str
    """The version that is served; baselines belong to a version."""
    serving: str
    """What serves it: `sagemaker`, `lambda` or `ecs`."""
    endpoint: pulumi.Input[str]
    """Name of the endpoint, function or service."""
    variant: pulumi.Input[str]
    """Name of its production variant (SageMaker), alias (Lambda) or cluster (ECS)."""
    balancer: NotRequired[pulumi.Input[str]]
    """Load balancer as metrics name it, `app/<name>/<id>` (ECS); default: answers are not watched, only load."""
    target_group: NotRequired[pulumi.Input[str]]
    """Target group as metrics name it, `targetgroup/<name>/<id>`, with `balancer`."""
    limits: AwsWatchLimits
    """From which values on somebody is told."""
    cores: int
    """Virtual CPUs of one instance; SageMaker adds up the percentages of all."""
    gpus: int
    """Accelerators of one instance; 0: none are watched."""
    schedule: str
    """When reports are made, in SageMaker's dialect."""
    interval_hours: int
    """Hours from one report to the next."""
    data_quality: bool
    """Whether inputs and predictions are compared with the baseline."""
    model_quality: NotRequired[AwsQualityWatch]
    """How predictions are held against labels; null: they are not."""
    bias: NotRequired[AwsBiasWatch]
    """What is compared between groups; null: nothing."""
    explainability: NotRequired[AwsExplanationWatch]
    """How inputs are weighed; null: they are not."""
    reference: NotRequired[pulumi.Input[str]]
    """A `ReferenceSettings` document as JSON, from which the baseline pipeline begins; default: none is made."""
    retraining_pipeline: NotRequired[pulumi.Input[str]]
    """ARN of what trains the model anew on drift; default: nobody."""
    cooldown_hours: NotRequired[float]
    """No second retraining within so many hours; default 24."""


class SageMakerMonitoringArgs(TypedDict):
    """What monitoring on AWS consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    models: dict[str, AwsWatchedModel]
    """Model name of the blueprint -> what is watched. Only served models."""
    artifact_root: pulumi.Input[str]
    """The foundation's `s3://` URI of artifacts; baselines and reports go into the folder `monitoring` of it."""
    artifact_bucket: pulumi.Input[str]
    """Name of that bucket."""
    data_root: pulumi.Input[str]
    """The foundation's `s3://` URI of data; labels are in the folder `labels/<model>` of it."""
    monitor_role_arn: NotRequired[pulumi.Input[str]]
    """Role of the monitors; needed as soon as one model has a monitor."""
    baseline_role_arn: NotRequired[pulumi.Input[str]]
    """Role of the baseline pipelines; needed as soon as one model has a monitor and there is an image."""
    counter_role_arn: NotRequired[pulumi.Input[str]]
    """Role of the state machine that counts violations; needed as soon as one model has a monitor."""
    retraining_role_arn: NotRequired[pulumi.Input[str]]
    """Role of the state machine that starts retraining; needed as soon as one has a cooldown."""
    events_role_arn: NotRequired[pulumi.Input[str]]
    """Role with which EventBridge starts all of these."""
    training_engine: NotRequired[str]
    """What trains models anew: `sagemaker` (the default) or `step_functions`."""
    image: NotRequired[pulumi.Input[str]]
    """The workload's image, which makes references; default: nothing is delivered yet, so no baseline is made."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told of alarms; default: alarms change their state only."""
    key_arn: NotRequired[pulumi.Input[str]]
    """Key of the jobs' disks and outputs; default: the service's own."""
    subnet_ids: NotRequired[pulumi.Input[list[str]]]
    """Subnets of the jobs; default: no VPC."""
    security_group_ids: NotRequired[list[pulumi.Input[str]]]
    """Security groups of the jobs, with `subnet_ids`."""
    instance_type: NotRequired[str]
    """Machine of a job; default `ml.m5.xlarge`."""
    instance_count: NotRequired[int]
    """Machines of a job; default 1."""
    volume_gb: NotRequired[int]
    """Disk of a job in GB; default 20."""
    timeout_minutes: NotRequired[int]
    """Time limit of a job; default 50, so that an hourly monitor never overtakes itself."""
