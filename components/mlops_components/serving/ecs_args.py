"""The arguments of serving with ECS."""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.placement import AwsPlacement
from mlops_components.spec.rollout import Rollout


class EcsVersion(TypedDict):
    """One version of a model."""

    version: str
    """Its number in the registry."""
    settings: pulumi.Input[str]
    """The `ServerSettings` of the version as JSON; the server reads them from S3 when it starts."""


class EcsScaling(TypedDict):
    """How many copies there are."""

    minimum: int
    """At least so many."""
    maximum: int
    """At most so many."""
    requests_per_minute: NotRequired[Optional[float]]
    """Load of one copy above which another is added. None: by the processors' load."""


class EcsServedModel(TypedDict):
    """One released model."""

    released: EcsVersion
    """The version that answers."""
    cpu: float
    """Virtual processors of a copy."""
    memory_gb: float
    """Memory of a copy."""
    spot: NotRequired[bool]
    """Whether capacity that may be taken away will do; default no."""
    scaling: NotRequired[Optional[EcsScaling]]
    """Default: one copy."""
    rollout: NotRequired[Optional[Rollout]]
    """`all_at_once`, which is the default, `blue_green` or `canary`."""


class EcsServingArgs(TypedDict):
    """What serving with ECS consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    image: pulumi.Input[str]
    """Image of the workload."""
    task_role_arn: pulumi.Input[str]
    """Role of the server."""
    execution_role_arn: pulumi.Input[str]
    """Role that pulls the image and writes logs."""
    balancer_role_arn: pulumi.Input[str]
    """Role by which ECS moves traffic."""
    settings_bucket: pulumi.Input[str]
    """Bucket that takes the servers' settings."""
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: pulumi.Input[list[str]]
    """Private subnets, in two zones at least."""
    security_group_id: pulumi.Input[str]
    """Security group of the platform's workloads: what has it may call, and the servers have it."""
    certificate_arn: str
    """Certificate of the load balancer."""
    models: dict[str, EcsServedModel]
    """Model name of the blueprint -> how it is served. A model whose release is `none` is not in it."""
    callers: NotRequired[list[str]]
    """Address ranges that may call besides. Default: none."""
    scale_at_cpu_percent: NotRequired[int]
    """Processor load above which a copy is added; default 60."""
    log_days: NotRequired[int]
    """Logs are deleted after so many days; default 90."""
