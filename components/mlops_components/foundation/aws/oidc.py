"""Whose tokens the account trusts, so that a CI system outside of AWS needs no stored key.

A provider trusts nobody by itself: each role says which repository and which branch or environment may assume it.
"""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.choice import AwsOidcProvider, Choice
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags

AUDIENCE = "sts.amazonaws.com"
"""What a token must be made for, whichever CI system makes it."""


def oidc_providers(
    name: str, parent: pulumi.Resource, placement: AwsPlacement, wanted: Mapping[str, AwsOidcProvider]
) -> pulumi.Output[dict[str, str]]:
    """Return the ARNs of the providers, by the names that the caller gave them (`github`, `gitlab`)."""
    made = {each: _provider(f"{name}-oidc-{each}", each, parent, placement, wanted[each]) for each in sorted(wanted)}
    return pulumi.Output.all(**made).apply(dict)


def _provider(
    name: str, system: str, parent: pulumi.Resource, placement: AwsPlacement, provider: AwsOidcProvider
) -> pulumi.Output[str]:
    source = Choice(provider.get("choice", Choice.CREATE))
    if source is Choice.ADOPT:
        if not provider.get("arn"):
            raise ArgsError(f"the provider of {system} is to be adopted; write 'oidc.{system}.arn'.")
        return pulumi.Output.from_input(provider["arn"])
    url = provider.get("url", "")
    if source is Choice.SKIP or not url.startswith("https://"):
        raise ArgsError(f"the provider of {system} needs an address; write 'oidc.{system}.url' with `https://`.")
    # Without thumbprints AWS checks the issuer's certificate against its own list of authorities.
    made = aws.iam.OpenIdConnectProvider(
        name,
        url=url,
        client_id_lists=[AUDIENCE],
        tags=aws_tags(placement, "foundation"),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.from_input(made.arn)
