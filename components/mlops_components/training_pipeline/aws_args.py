"""What training pipelines on AWS consist of, whichever engine runs them."""

from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.placement import AwsPlacement
from mlops_components.spec.pipeline import PipelineSpec
from mlops_components.spec.tuning import BiasCheck, Tuning


class AwsNewData(TypedDict):
    """New objects that start a run."""

    bucket: pulumi.Input[str]
    """Bucket whose events EventBridge is told of."""
    prefix: str
    """What the keys begin with; empty: any key."""
    suffix: str
    """What the keys end with; empty: anything."""
    excluded: list[str]
    """Beginnings of keys that start nothing, such as predictions'; counts only without `prefix` and `suffix`."""


class AwsPipeline(TypedDict):
    """One model's pipeline."""

    spec: PipelineSpec
    """Its steps and their order, parameters and schedule."""
    settings: dict[str, Any]
    """A `StepSettings` document; values may be outputs."""
    new_data: NotRequired[Optional[AwsNewData]]
    """Default: new data starts nothing."""
    tuning: NotRequired[Optional[Tuning]]
    """Default: the parameters are not tuned."""
    bias_check: NotRequired[Optional[BiasCheck]]
    """Default: none."""


class AwsNetwork(TypedDict):
    """The network that jobs run in."""

    subnet_ids: pulumi.Input[list[str]]
    """Private subnets, in two zones at least."""
    security_group_ids: list[pulumi.Input[str]]
    """Security groups of the machines."""


class AwsTrainingArgs(TypedDict):
    """What training pipelines consist of."""

    placement: AwsPlacement
    """Environment, account and region."""
    models: dict[str, AwsPipeline]
    """Model name of the blueprint -> its pipeline."""
    image: pulumi.Input[str]
    """Image that every step runs in."""
    artifact_bucket: pulumi.Input[str]
    """Bucket of the run folders, and of what the steps are told."""
    job_role_arn: pulumi.Input[str]
    """Role of the steps."""
    engine_role_arn: pulumi.Input[str]
    """Role of what starts the steps one after the other."""
    start_role_arn: NotRequired[Optional[pulumi.Input[str]]]
    """Role of what starts a run, by a schedule or by new data; needed only where something does."""
    network: NotRequired[Optional[AwsNetwork]]
    """Default: the network that SageMaker manages."""
    key_arn: NotRequired[Optional[pulumi.Input[str]]]
    """Key of the volumes of jobs; default: the service's own."""
    topics: NotRequired[dict[str, pulumi.Input[str]]]
    """`success` or `failure` -> ARN of the topic that is told of it. Default: nobody is told."""
    default_machine: NotRequired[str]
    """Machine of a step of which nothing is said; default `ml.m5.xlarge`."""
    volume_gb: NotRequired[int]
    """Disk of each job; default 30 GB."""
    watched_bucket: NotRequired[Optional[pulumi.Input[str]]]
    """Bucket that is to tell EventBridge of new objects; default: whoever owns the bucket has seen to it."""
    cache_hours: NotRequired[Optional[int]]
    """So long a run with the same parameters, settings and image takes over what an earlier one did; default: never."""
    flexible_minutes: NotRequired[int]
    """A scheduled run may start so much later; default 0."""
