"""Whether a foundation creates a resource, uses one that is there, or does without."""

from enum import StrEnum
from typing import NotRequired, Optional

from typing_extensions import TypedDict


class Choice(StrEnum):
    """Where a resource comes from."""

    CREATE = "create"
    """The foundation creates and owns it."""
    ADOPT = "adopt"
    """It exists already; the foundation refers to it and changes nothing about it."""
    SKIP = "skip"
    """The foundation does without."""


class AwsKeyChoice(TypedDict):
    """The key that encrypts everything of a scope."""

    choice: NotRequired[Choice]
    """Default `create`. With `skip`, buckets and images are encrypted with keys that AWS owns."""
    arn: NotRequired[str]
    """ARN of the key to adopt; its policy must let this account use it."""
    deletion_window_days: NotRequired[int]
    """A deleted key can be saved for so many days, 7 to 30; default 30."""


class AwsBucketChoice(TypedDict):
    """One bucket of a scope."""

    choice: NotRequired[Choice]
    """Default `create`. With `skip`, what would go there goes into a folder of the artifacts bucket."""
    name: NotRequired[str]
    """Name of the bucket to adopt; its owner keeps it encrypted, versioned and private."""
    expire_days: NotRequired[Optional[int]]
    """Objects of a created bucket are deleted after so many days; null keeps them. Default: 90 for captures, 365 for
    logs, and kept elsewhere."""


class Internet(StrEnum):
    """Whether a created network has a way out."""

    NONE = "none"
    """It has none: AWS's services are reached through endpoints, and nothing else."""
    NAT = "nat"
    """One NAT gateway for all zones: cheaper, and gone with its zone."""
    NAT_PER_ZONE = "nat_per_zone"
    """A NAT gateway in each zone."""


class AwsNetworkChoice(TypedDict):
    """The network in which jobs, endpoints and notebooks run."""

    choice: NotRequired[Choice]
    """Default `skip`: they run in networks that AWS manages."""
    cidr: NotRequired[str]
    """Addresses of a created network, /16 to /24, e.g. `10.20.0.0/16`."""
    zones: NotRequired[list[str]]
    """Availability zones of a created network, at least two; each gets a private subnet."""
    internet: NotRequired[Internet]
    """Default `none`."""
    vpc_id: NotRequired[str]
    """The VPC to adopt."""
    subnet_ids: NotRequired[list[str]]
    """Private subnets of the VPC to adopt, in at least two zones."""
    route_table_ids: NotRequired[list[str]]
    """Route tables of these subnets, to which gateway endpoints are added."""
    security_group_id: NotRequired[str]
    """Security group of an adopted network for what runs in it; default: one of our own."""
    endpoints: NotRequired[list[str]]
    """Short names of the services that get an endpoint, e.g. `sagemaker.api`; default: none."""
    reaches: NotRequired[list[str]]
    """Addresses outside of the network that what runs in it may reach, e.g. of a data warehouse. Default: none."""


class AwsTrailChoice(TypedDict):
    """The audit trail of who read and wrote models and data."""

    choice: NotRequired[Choice]
    """Default `create`."""
    arn: NotRequired[str]
    """ARN of the trail to adopt; what it records is its owner's decision."""
    management_events: NotRequired[bool]
    """Whether a created trail records changes of resources as well. Default false: CloudTrail's event history keeps
    these for 90 days in any case, and each further copy is paid for."""


class AwsBudget(TypedDict):
    """What an environment may cost."""

    monthly_usd: float
    """Limit for a calendar month, in US dollars."""
    alarm_percents: NotRequired[list[float]]
    """Shares of the limit at which somebody is told, in per cent; default 80 and 100."""
    forecast_percent: NotRequired[Optional[float]]
    """Somebody is told once this share of the limit is forecast, in per cent; default 100, null for never."""


class AwsOidcProvider(TypedDict):
    """Whose tokens are trusted, so that a CI system needs no stored key."""

    choice: NotRequired[Choice]
    """Default `create`. An account can have one provider for an address: adopt it where another project made it."""
    url: NotRequired[str]
    """Address of the issuer with `https://`, which a created provider needs."""
    arn: NotRequired[str]
    """ARN of the provider to adopt."""


class AwsTopic(TypedDict):
    """Who is told of one kind of news."""

    emails: list[str]
    """Each address gets one e-mail in which it confirms the subscription."""
