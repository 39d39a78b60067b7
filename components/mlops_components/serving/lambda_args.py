"""The arguments of serving with Lambda."""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.placement import AwsPlacement
from mlops_components.spec.rollout import Rollout


class LambdaVersion(TypedDict):
    """One version of a model."""

    version: str
    """Its number in the registry."""
    settings: pulumi.Input[str]
    """The `ServerSettings` of the version as JSON; the function reads them from S3 when it starts."""


class LambdaServedModel(TypedDict):
    """One released model."""

    released: LambdaVersion
    """The version that answers."""
    memory_mb: int
    """512 to 10240."""
    timeout_seconds: int
    """Time limit of a request, at most 900."""
    storage_mb: int
    """Room for the model's files, 512 to 10240."""
    concurrency: NotRequired[Optional[int]]
    """Requests that are answered at the same time. Default: what the account has left."""
    provisioned: NotRequired[Optional[int]]
    """Copies that are kept warm. Default: none."""
    rollout: NotRequired[Optional[Rollout]]
    """`all_at_once`, which is the default, or `canary`."""


class LambdaNetwork(TypedDict):
    """Where the functions are."""

    subnet_ids: pulumi.Input[list[str]]
    """Private subnets."""
    security_group_ids: list[pulumi.Input[str]]
    """What they may reach."""


class LambdaServingArgs(TypedDict):
    """What serving with Lambda consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    image: pulumi.Input[str]
    """Image of the workload, in a repository of the functions' own region."""
    role_arn: pulumi.Input[str]
    """Role of the functions."""
    shift_role_arn: NotRequired[pulumi.Input[str]]
    """Role of what starts a rollout; needed for a `canary`."""
    deploy_role_arn: NotRequired[pulumi.Input[str]]
    """Role of CodeDeploy; needed for a `canary`."""
    settings_bucket: pulumi.Input[str]
    """Bucket that takes the functions' settings."""
    models: dict[str, LambdaServedModel]
    """Model name of the blueprint -> how it is served. A model whose release is `none` is not in it."""
    callers: NotRequired[list[str]]
    """ARNs of principals of other accounts that may call the URLs. Default: none."""
    network: NotRequired[Optional[LambdaNetwork]]
    """Default: Lambda's own network."""
    key_arn: NotRequired[pulumi.Input[str]]
    """Key that encrypts the functions' environment. Default: Lambda's own."""
    log_days: NotRequired[int]
    """Logs are deleted after so many days; default 90."""
