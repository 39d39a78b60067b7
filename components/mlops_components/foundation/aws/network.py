"""The network in which jobs, endpoints and notebooks run: created, or somebody else's.

A created one has private subnets only, and no way to the internet unless that is asked for: AWS's services are reached
through endpoints. What runs in it may speak to itself, to those endpoints, and to nothing else that is not named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.choice import AwsNetworkChoice, Choice, Internet
from mlops_components.foundation.aws.endpoints import Endpoints, EndpointsContext, create_endpoints, name_tags
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.naming import SECURITY_GROUP, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.tags import aws_tags

_SUBNET_BITS = 4
"""A network is cut into 16 parts: eight zones, each with a private and a public subnet."""
_MOST_ZONES = 8
_HTTPS = 443
EVERYWHERE = "0.0.0.0/0"

# SageMaker Developer Guide, "Give SageMaker access to resources in your Amazon VPC": what a job's role needs.
_DESCRIBE = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
)
_ATTACH = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
)
_ADDRESS = ("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")


@dataclass(frozen=True)
class Network:
    """A network as what runs in it sees it."""

    placement: AwsPlacement
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    children: tuple[pulumi.Resource, ...] = ()

    @property
    def ready_subnet_ids(self) -> pulumi.Output[list[str]]:
        """The subnets, known only once their endpoints, routes and rules are there: a job finds its way at once."""
        waiting = pulumi.Output.all(*(child.urn for child in self.children))
        return pulumi.Output.all(waiting, *self.subnet_ids).apply(lambda all_: [str(each) for each in all_[1:]])

    @property
    def _ec2(self) -> str:
        region, account = self.placement["region"], self.placement["account_id"]
        return f"arn:{aws_partition(region)}:ec2:{region}:{account}"

    @property
    def _subnets(self) -> list[pulumi.Output[str]]:
        return [pulumi.Output.concat(self._ec2, ":subnet/", subnet) for subnet in self.subnet_ids]

    def grant_network_interfaces(self) -> list[AwsGrant]:
        """Permission to put network interfaces into these subnets, with this security group."""
        group = pulumi.Output.concat(self._ec2, ":security-group/", self.security_group_id)
        return [
            aws_grant(["ec2:CreateNetworkInterface"], [*self._subnets, group]),
            self._grant_in_subnets(_ATTACH),
            aws_grant(_DESCRIBE, ["*"]),
        ]

    def grant_network_addresses(self) -> list[AwsGrant]:
        """Permission to give interfaces in these subnets further addresses, which functions need."""
        return [self._grant_in_subnets(_ADDRESS)]

    def _grant_in_subnets(self, actions: Sequence[str]) -> AwsGrant:
        return aws_grant(actions, [f"{self._ec2}:network-interface/*"], {"ArnEquals": {"ec2:Subnet": self._subnets}})


@dataclass(frozen=True)
class _Created:
    """A VPC while it is made."""

    name: str
    parent: pulumi.Resource
    placement: AwsPlacement
    vpc: aws.ec2.Vpc
    zones: Sequence[str]
    cidrs: Sequence[IPv4Network]
    private: list[aws.ec2.Subnet] = field(default_factory=list)
    tables: list[aws.ec2.RouteTable] = field(default_factory=list)

    @property
    def child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self.parent)

    def tags(self, what: str) -> dict[str, str]:
        return name_tags(self.placement, what)


def network(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    choice: AwsNetworkChoice,
    log_bucket: Optional[tuple[pulumi.Input[str], Sequence[pulumi.Resource]]],
) -> Optional[Network]:
    """Return the network of an environment, or None. `log_bucket` (ARN, what must come before) takes its flow logs."""
    source = Choice(choice.get("choice", Choice.SKIP))
    if source is Choice.SKIP:
        return None
    if source is Choice.ADOPT:
        return _adopted(name, parent, placement, choice)
    return _create(name, parent, placement, choice, log_bucket)


def subnet_cidrs(cidr: str) -> list[IPv4Network]:
    """Return the sixteen parts of a network, or raise `ArgsError` where its size does not allow that."""
    try:
        whole = IPv4Network(cidr)
    except ValueError as error:
        raise ArgsError(f"'network.cidr' is not a network: {error}; write e.g. '10.20.0.0/16'.") from None
    if not 16 <= whole.prefixlen <= 24:
        raise ArgsError(f"'network.cidr' is a /{whole.prefixlen}; write one of /16 to /24.")
    return list(whole.subnets(_SUBNET_BITS))


def _adopted(name: str, parent: pulumi.Resource, placement: AwsPlacement, choice: AwsNetworkChoice) -> Network:
    vpc_id, subnet_ids = choice.get("vpc_id"), choice.get("subnet_ids") or []
    if not vpc_id or not subnet_ids:
        raise ArgsError("the network is to be adopted; write 'network.vpc_id' and 'network.subnet_ids'.")
    group = choice.get("security_group_id") or _security_group(name, parent, placement, vpc_id)
    endpoints = _endpoints(
        name, parent, placement, choice, vpc_id, subnet_ids, choice.get("route_table_ids") or [], group
    )
    if choice.get("security_group_id"):
        return Network(placement, vpc_id, subnet_ids, group, endpoints.children)
    # Without endpoints of ours the network's owner has seen to it how AWS is reached, and by which addresses.
    ways_out = () if choice.get("endpoints") else (EVERYWHERE,)
    rules = _rules(name, parent, placement, group, endpoints, [*ways_out], choice.get("reaches") or [])
    return Network(placement, vpc_id, subnet_ids, group, (*endpoints.children, *rules))


def _create(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    choice: AwsNetworkChoice,
    log_bucket: Optional[tuple[pulumi.Input[str], Sequence[pulumi.Resource]]],
) -> Network:
    zones = choice.get("zones") or []
    if not 2 <= len(zones) <= _MOST_ZONES:
        raise ArgsError(f"'network.zones' names {len(zones)} zones; name 2 to {_MOST_ZONES} of {placement['region']}.")
    cidr = choice.get("cidr", "")
    cidrs = subnet_cidrs(cidr)
    vpc = aws.ec2.Vpc(
        f"{name}-vpc",
        cidr_block=cidr,
        enable_dns_hostnames=True,
        enable_dns_support=True,
        tags=name_tags(placement, "network"),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    made = _Created(name, parent, placement, vpc, zones, cidrs)
    # The group that AWS makes with each VPC lets everything in it speak to everything: it is closed.
    aws.ec2.DefaultSecurityGroup(
        f"{name}-closed-group", vpc_id=vpc.id, ingress=[], egress=[], tags=made.tags("closed"), opts=made.child
    )
    _private_subnets(made)
    if log_bucket is not None:
        _flow_log(made, *log_bucket)
    group = _security_group(name, parent, placement, vpc.id)
    subnet_ids = [subnet.id for subnet in made.private]
    endpoints = _endpoints(
        name, parent, placement, choice, vpc.id, subnet_ids, [table.id for table in made.tables], group
    )
    internet = Internet(choice.get("internet", Internet.NONE))
    routes = _ways_out(made, internet) if internet is not Internet.NONE else ()
    anywhere = [EVERYWHERE] if internet is not Internet.NONE else []
    rules = _rules(name, parent, placement, group, endpoints, anywhere, choice.get("reaches") or [])
    return Network(placement, vpc.id, subnet_ids, group, (*endpoints.children, *routes, *rules))


def _private_subnets(made: _Created) -> None:
    for zone, cidr in zip(made.zones, made.cidrs, strict=False):
        subnet = aws.ec2.Subnet(
            f"{made.name}-private-{zone}",
            vpc_id=made.vpc.id,
            cidr_block=str(cidr),
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags=made.tags(f"private-{zone}"),
            opts=made.child,
        )
        table = aws.ec2.RouteTable(
            f"{made.name}-routes-{zone}", vpc_id=made.vpc.id, tags=made.tags(f"private-{zone}"), opts=made.child
        )
        aws.ec2.RouteTableAssociation(
            f"{made.name}-routes-of-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=made.child
        )
        made.private.append(subnet)
        made.tables.append(table)


def _flow_log(made: _Created, bucket_arn: pulumi.Input[str], after: Sequence[pulumi.Resource]) -> None:
    aws.ec2.FlowLog(
        f"{made.name}-flow-log",
        vpc_id=made.vpc.id,
        traffic_type="ALL",
        log_destination_type="s3",
        log_destination=pulumi.Output.concat(bucket_arn, "/network/"),
        tags=made.tags("flow-log"),
        opts=pulumi.ResourceOptions(parent=made.parent, depends_on=list(after)),
    )


def _ways_out(made: _Created, internet: Internet) -> tuple[pulumi.Resource, ...]:
    """Public subnets with NAT gateways, and the routes to them."""
    gateway = aws.ec2.InternetGateway(
        f"{made.name}-internet", vpc_id=made.vpc.id, tags=made.tags("internet"), opts=made.child
    )
    public = aws.ec2.RouteTable(
        f"{made.name}-routes-public", vpc_id=made.vpc.id, tags=made.tags("public"), opts=made.child
    )
    to_internet = aws.ec2.Route(
        f"{made.name}-route-public",
        route_table_id=public.id,
        destination_cidr_block=EVERYWHERE,
        gateway_id=gateway.id,
        opts=made.child,
    )
    zones = made.zones if internet is Internet.NAT_PER_ZONE else made.zones[:1]
    nats = [_nat(made, position, zone, public, to_internet) for position, zone in enumerate(zones)]
    return tuple(
        aws.ec2.Route(
            f"{made.name}-route-{zone}",
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            nat_gateway_id=nats[position % len(nats)].id,
            opts=made.child,
        )
        for position, (zone, table) in enumerate(zip(made.zones, made.tables, strict=True))
    )


def _nat(
    made: _Created, position: int, zone: str, public: aws.ec2.RouteTable, to_internet: aws.ec2.Route
) -> aws.ec2.NatGateway:
    subnet = aws.ec2.Subnet(
        f"{made.name}-public-{zone}",
        vpc_id=made.vpc.id,
        cidr_block=str(made.cidrs[_MOST_ZONES + position]),
        availability_zone=zone,
        map_public_ip_on_launch=False,
        tags=made.tags(f"public-{zone}"),
        opts=made.child,
    )
    aws.ec2.RouteTableAssociation(
        f"{made.name}-routes-of-public-{zone}", subnet_id=subnet.id, route_table_id=public.id, opts=made.child
    )
    address = aws.ec2.Eip(f"{made.name}-nat-address-{zone}", domain="vpc", tags=made.tags(zone), opts=made.child)
    return aws.ec2.NatGateway(
        f"{made.name}-nat-{zone}",
        subnet_id=subnet.id,
        allocation_id=address.allocation_id,
        tags=made.tags(zone),
        opts=pulumi.ResourceOptions(parent=made.parent, depends_on=[to_internet]),
    )


def _security_group(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    vpc_id: pulumi.Input[str],
) -> pulumi.Output[str]:
    group = aws.ec2.SecurityGroup(
        f"{name}-workloads",
        name=physical_name((placement["blueprint"], placement["scope"], "workloads"), SECURITY_GROUP),
        description="Jobs, endpoints and notebooks",
        vpc_id=vpc_id,
        revoke_rules_on_delete=True,
        tags=name_tags(placement, "workloads"),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return pulumi.Output.from_input(group.id)


def _endpoints(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    choice: AwsNetworkChoice,
    vpc_id: pulumi.Input[str],
    subnet_ids: Sequence[pulumi.Input[str]],
    route_table_ids: Sequence[pulumi.Input[str]],
    workloads: pulumi.Input[str],
) -> Endpoints:
    context = EndpointsContext(name, parent, placement, vpc_id, subnet_ids, route_table_ids, workloads)
    return create_endpoints(context, choice.get("endpoints") or [])


def _rules(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    group: pulumi.Input[str],
    endpoints: Endpoints,
    https_to: Sequence[str],
    reaches: Sequence[str],
) -> tuple[pulumi.Resource, ...]:
    """What runs in the network may speak to itself (training on several machines does), and to what is named here."""
    child = pulumi.ResourceOptions(parent=parent)
    tags = aws_tags(placement, "foundation")
    rules: list[pulumi.Resource] = [
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-from-itself",
            security_group_id=group,
            referenced_security_group_id=group,
            ip_protocol="-1",
            tags=tags,
            opts=child,
        ),
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-to-itself",
            security_group_id=group,
            referenced_security_group_id=group,
            ip_protocol="-1",
            tags=tags,
            opts=child,
        ),
    ]

    def https(to: str, **destination: pulumi.Input[str]) -> None:
        rules.append(
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-{to}",
                security_group_id=group,
                ip_protocol="tcp",
                from_port=_HTTPS,
                to_port=_HTTPS,
                tags=tags,
                opts=child,
                **destination,
            )
        )

    if endpoints.security_group_id is not None:
        https("endpoints", referenced_security_group_id=endpoints.security_group_id)
    for service, prefix_list in endpoints.prefix_list_ids.items():
        https(service, prefix_list_id=prefix_list)
    for cidr in https_to:
        https("anywhere", cidr_ipv4=cidr)
    for cidr in reaches:
        rules.append(
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-{cidr.replace('/', '-')}",
                security_group_id=group,
                cidr_ipv4=cidr,
                ip_protocol="-1",
                tags=tags,
                opts=child,
            )
        )
    return tuple(rules)
