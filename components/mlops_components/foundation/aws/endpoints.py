"""Ways from a network to AWS's services that do not lead through the internet.

S3 is reached through a gateway endpoint, which costs nothing; every other service through an interface endpoint with
an address in each subnet. The way to S3 lets only principals of this account pass, so that nothing can be carried out
of the network into somebody else's bucket with somebody else's key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.grants import document, statement
from mlops_components.naming import SECURITY_GROUP, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.tags import aws_tags

# AWS PrivateLink Guide, "AWS services that integrate with AWS PrivateLink": the name of each service's endpoint.
_COMMON = "com.amazonaws.{region}.{service}"
_SAGEMAKER = "aws.sagemaker.{region}.{service}"
_GATEWAYS = frozenset({"s3"})
_NAMES: Mapping[str, str] = {
    "application-autoscaling": _COMMON,
    "athena": _COMMON,
    "ecr.api": _COMMON,
    "ecr.dkr": _COMMON,
    "events": _COMMON,
    "experiments": _SAGEMAKER,
    "glue": _COMMON,
    "kms": _COMMON,
    "lambda": _COMMON,
    "logs": _COMMON,
    "monitoring": _COMMON,
    "s3": _COMMON,
    "sagemaker.api": _COMMON,
    "sagemaker.featurestore-runtime": _COMMON,
    "sagemaker.metrics": _COMMON,
    "sagemaker.runtime": _COMMON,
    "secretsmanager": _COMMON,
    "sns": _COMMON,
    "states": _COMMON,
    "sts": _COMMON,
    "studio": _SAGEMAKER,
}


@dataclass(frozen=True)
class EndpointsContext:
    """Where endpoints are put, and who uses them."""

    component: str
    parent: pulumi.Resource
    placement: AwsPlacement
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    route_table_ids: Sequence[pulumi.Input[str]]
    workloads: pulumi.Input[str]
    """The security group that may use them."""


@dataclass(frozen=True)
class Endpoints:
    """What the rules of a security group need to know of the endpoints."""

    security_group_id: Optional[pulumi.Input[str]] = None
    prefix_list_ids: dict[str, pulumi.Output[str]] = field(default_factory=dict)
    children: tuple[pulumi.Resource, ...] = ()


def service_name(service: str, region: str) -> str:
    """Return the full name of a service's endpoint in a region; raises `ArgsError` for a service that has none."""
    if service not in _NAMES:
        close = get_close_matches(service, _NAMES, 1)
        hint = f"did you mean '{close[0]}'?" if close else f"write some of {', '.join(sorted(_NAMES))}."
        raise ArgsError(f"'network.endpoints' names '{service}', for which no endpoint is known; {hint}")
    return _NAMES[service].format(region=region, service=service)


def name_tags(placement: AwsPlacement, what: str) -> dict[str, str]:
    """Return the tags of what has no name of its own in EC2: the console shows the tag `Name`."""
    return {"Name": f"{placement['blueprint']}-{placement['scope']}-{what}", **aws_tags(placement, "foundation")}


def create_endpoints(context: EndpointsContext, services: Sequence[str]) -> Endpoints:
    """Register an endpoint for each service, in the order of their names."""
    names = {service: service_name(service, context.placement["region"]) for service in sorted(set(services))}
    gateways = {service: _gateway(context, service, names[service]) for service in names if service in _GATEWAYS}
    interfaces = [service for service in names if service not in _GATEWAYS]
    group = _group(context) if interfaces else None
    private = [_interface(context, service, names[service], group.id) for service in interfaces if group is not None]
    return Endpoints(
        security_group_id=group.id if group is not None else None,
        prefix_list_ids={service: endpoint.prefix_list_id for service, endpoint in gateways.items()},
        children=(*gateways.values(), *private),
    )


def s3_policy(account_id: str, region: str) -> str:
    """Return who may pass on the way to S3: this account's principals, and pulls of image layers.

    ECR keeps layers in a bucket of its own, which is read with its own signature (Amazon ECR User Guide, "Minimum
    Amazon S3 bucket permissions for Amazon ECR").
    """
    everyone = {"AWS": "*"}
    layers = f"arn:{aws_partition(region)}:s3:::prod-{region}-starport-layer-bucket/*"
    return document(
        [
            statement(
                "Allow",
                ["s3:*"],
                ["*"],
                sid="PrincipalsOfThisAccount",
                principals=everyone,
                conditions={"StringEquals": {"aws:PrincipalAccount": account_id}},
            ),
            statement("Allow", ["s3:GetObject"], [layers], sid="ImageLayers", principals=everyone),
        ]
    )


def _gateway(context: EndpointsContext, service: str, name: str) -> aws.ec2.VpcEndpoint:
    placement = context.placement
    if not context.route_table_ids:
        raise ArgsError(f"the endpoint of {service} needs route tables; write 'network.route_table_ids'.")
    return aws.ec2.VpcEndpoint(
        f"{context.component}-endpoint-{service}",
        vpc_id=context.vpc_id,
        service_name=name,
        vpc_endpoint_type="Gateway",
        route_table_ids=list(context.route_table_ids),
        policy=s3_policy(placement["account_id"], placement["region"]),
        tags=name_tags(placement, service),
        opts=pulumi.ResourceOptions(parent=context.parent),
    )


def _interface(context: EndpointsContext, service: str, name: str, group: pulumi.Input[str]) -> aws.ec2.VpcEndpoint:
    return aws.ec2.VpcEndpoint(
        f"{context.component}-endpoint-{service}",
        vpc_id=context.vpc_id,
        service_name=name,
        vpc_endpoint_type="Interface",
        subnet_ids=list(context.subnet_ids),
        security_group_ids=[group],
        private_dns_enabled=True,
        tags=name_tags(context.placement, service),
        opts=pulumi.ResourceOptions(parent=context.parent),
    )


def _group(context: EndpointsContext) -> aws.ec2.SecurityGroup:
    placement = context.placement
    group = aws.ec2.SecurityGroup(
        f"{context.component}-endpoints",
        name=physical_name((placement["blueprint"], placement["scope"], "endpoints"), SECURITY_GROUP),
        description="Endpoints of AWS services",
        vpc_id=context.vpc_id,
        revoke_rules_on_delete=True,
        tags=name_tags(placement, "endpoints"),
        opts=pulumi.ResourceOptions(parent=context.parent),
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{context.component}-endpoints-from-workloads",
        security_group_id=group.id,
        referenced_security_group_id=context.workloads,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        tags=aws_tags(placement, "foundation"),
        opts=pulumi.ResourceOptions(parent=context.parent),
    )
    return group
