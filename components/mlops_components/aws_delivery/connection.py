"""The connection through which AWS reads a repository that is kept elsewhere.

It begins as PENDING: a person completes the handshake with the provider of the repository in the console, once. Until
then every pipeline that uses it fails at its first action, and says so. It refuses to hold a token of anybody's.
"""

from enum import StrEnum
from typing import NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.aws_delivery.names import CONNECTION, name_of
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags


class GitProvider(StrEnum):
    """Who keeps the repository, in the words of CodeConnections."""

    GITHUB = "GitHub"
    GITLAB = "GitLab"
    BITBUCKET = "Bitbucket"
    GITHUB_ENTERPRISE = "GitHubEnterpriseServer"
    GITLAB_SELF_MANAGED = "GitLabSelfManaged"


SELF_MANAGED = (GitProvider.GITHUB_ENTERPRISE, GitProvider.GITLAB_SELF_MANAGED)
"""Providers on a host of one's own, which a connection names."""


class GitConnectionArgs(TypedDict):
    """Which provider, and on behalf of which stage."""

    placement: AwsPlacement
    """Scope, account and region."""
    on_behalf_of: str
    """The stage at which it is shown and tagged."""
    provider: GitProvider
    """Who keeps the repository. Changing it replaces the connection."""
    host_arn: NotRequired[str]
    """ARN of the host, for a provider on a host of one's own, and for no other."""


class GitConnection(pulumi.ComponentResource):
    """A connection to a provider of git repositories."""

    platform = "aws"

    connection_arn: pulumi.Output[str]
    """The connection, whatever its state."""

    def __init__(self, name: str, args: GitConnectionArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, GitConnectionArgs, "GitConnection")
        provider, host = GitProvider(args["provider"]), args.get("host_arn")
        if (provider in SELF_MANAGED) is not bool(host):
            wanted = "needs 'host_arn'" if provider in SELF_MANAGED else "takes no 'host_arn'"
            raise ArgsError(f"GitConnection: the provider {provider.value} {wanted}; change one of the two.")
        # An argument of the same name would hide this: the SDK turns every argument into an attribute.
        self.stage = args["on_behalf_of"]
        super().__init__("mlops-stacks:index:GitConnection", name, {**args}, opts)
        connection = aws.codeconnections.Connection(
            f"{name}-connection",
            name=name_of(args["placement"], "source", CONNECTION),
            provider_type=None if host else provider.value,
            host_arn=host,
            tags=aws_tags(args["placement"], args["on_behalf_of"]),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.connection_arn = connection.arn
        self.register_outputs({"connection_arn": self.connection_arn})
