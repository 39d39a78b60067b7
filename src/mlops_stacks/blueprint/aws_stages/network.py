"""The options of the network on AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from mlops_stacks.blueprint.aws_stages.words import Cidr, mode_of
from mlops_stacks.blueprint.base import Model


class CreateNetwork(Model):
    """A VPC of the environment's own, with a private subnet in each zone of its target."""

    mode: Literal["create"] = "create"
    cidr: Cidr
    """Its addresses, /16 to /24; no network that it meets may have them as well."""
    internet: Literal["none", "nat", "nat_per_zone"] = "none"
    """`none`: AWS's services are reached through endpoints, and nothing else. `nat`: one NAT gateway for all zones;
    `nat_per_zone`: one in each, so that a zone that fails takes no other with it."""
    reaches: tuple[Cidr, ...] = ()
    """Addresses outside of it that jobs, endpoints and notebooks may speak to, e.g. a data warehouse's; how they are
    routed there is for whoever connects the networks."""


class AdoptNetwork(Model):
    """A VPC that exists already; how it reaches AWS's services and the internet is its owner's decision."""

    mode: Literal["adopt"]
    vpc_id: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")]
    subnet_ids: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...], Field(min_length=2)
    ]
    """Private subnets in at least two zones."""
    security_group_id: Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")] | None = None
    """Security group of what runs in it; default: one is made."""
    endpoints: Literal["skip", "create"] = "skip"
    """`create`: endpoints are made for the services in use; a VPC can have each but once."""
    route_table_ids: tuple[Annotated[str, StringConstraints(pattern=r"^rtb-[0-9a-f]{8,17}$")], ...] = ()
    """Route tables of the subnets, to which the way to S3 is added where endpoints are made."""
    reaches: tuple[Cidr, ...] = ()
    """Addresses outside of it that jobs, endpoints and notebooks may speak to."""


class SkipNetwork(Model):
    """No network of your own: jobs, endpoints and notebooks run in networks that AWS manages."""

    mode: Literal["skip"]


Network = Annotated[
    Annotated[CreateNetwork, Tag("create")]
    | Annotated[AdoptNetwork, Tag("adopt")]
    | Annotated[SkipNetwork, Tag("skip")],
    Discriminator(mode_of),
]
