"""Where a component's resources live and whose they are: the part of its arguments that all components share."""

from typing import NotRequired

from typing_extensions import TypedDict


class AwsPlacement(TypedDict):
    """One scope of a blueprint on AWS. Account and region are plain values, so that nothing has to be looked up."""

    blueprint: str
    """The blueprint's name; physical names begin with it."""
    scope: str
    """`shared` or the name of an environment; the second part of physical names."""
    account_id: str
    """The twelve digits of the account."""
    region: str
    """For example `eu-central-1`."""
    owner: NotRequired[str]
    """Who answers for the resources: a team or an address; becomes a tag. Default: no such tag."""
    tags: NotRequired[dict[str, str]]
    """Further tags of the user, on every resource that takes tags. Default: none."""


def aws_partition(region: str) -> str:
    """Return the partition that ARNs of `region` begin with (`aws`, `aws-cn` or `aws-us-gov`)."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def account_root(account_id: str, region: str) -> str:
    """Return the ARN by which a policy trusts a whole account, whose own policies then decide who may."""
    return f"arn:{aws_partition(region)}:iam::{account_id}:root"
