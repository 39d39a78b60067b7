"""The network on AWS: private, without a way out unless one is asked for, and reached by what is in use only."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.endpoints import service_name
from mlops_components.foundation.aws.foundation import AwsFoundation
from mlops_components.grants import policy_document

pytest_plugins = ["components.aws_plans"]

Plans = Callable[..., Any]
ZONES = ["eu-central-1a", "eu-central-1b"]
CREATED = {
    "choice": "create",
    "cidr": "10.20.0.0/16",
    "zones": ZONES,
    "endpoints": ["s3", "sagemaker.api", "studio"],
}
ADOPTED = {"choice": "adopt", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2"]}


@pytest.fixture
def planned(plan_aws: Plans, place: Plans) -> Plans:
    """Plan a foundation with a network; its outputs are exported, and the policy of who runs in it as `policy`."""

    def plan(**network: Any) -> Any:
        def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
            args: Any = {"placement": place(), "network": network}
            made = AwsFoundation("f", args, options)
            grants = made.grant_network_interfaces()
            outputs = {output: getattr(made, output) for output in AwsFoundation.__annotations__}
            return {**outputs, **({"policy": policy_document(grants)} if grants else {})}

        return plan_aws(build)

    return plan


def kinds(plan: Any) -> Counter[str]:
    """How many resources of each type of EC2 there are."""
    ours = (r for r in plan.custom() if r.type.startswith(("aws:ec2/", "aws:vpc/")))
    return Counter(r.type.rsplit(":", 1)[-1] for r in ours)


def egress(plan: Any) -> dict[str, Any]:
    """Where what runs in the network may speak to."""
    rules = [r for r in plan.custom() if r.type.endswith(":SecurityGroupEgressRule")]
    hidden = ("securityGroupId", "tags", "tagsAll")
    return {r.name: {key: value for key, value in r.inputs.items() if key not in hidden} for r in rules}


def test_without_a_network_there_is_none(planned: Plans) -> None:
    plan = planned(choice="skip")
    assert kinds(plan) == {}
    assert (plan.outputs["vpc_id"], plan.outputs["subnet_ids"], plan.outputs["security_group_id"]) == ("", [], "")
    assert "policy" not in plan.outputs


def test_a_created_network_is_private_and_has_no_way_out(planned: Plans) -> None:
    plan = planned(**CREATED)
    assert kinds(plan) == {
        "Vpc": 1,
        "DefaultSecurityGroup": 1,
        "Subnet": 2,
        "RouteTable": 2,
        "RouteTableAssociation": 2,
        "FlowLog": 1,
        "SecurityGroup": 2,
        "VpcEndpoint": 3,
        "SecurityGroupIngressRule": 2,
        "SecurityGroupEgressRule": 3,
    }
    subnets = [plan.resource(f"f-private-{zone}").inputs for zone in ZONES]
    assert [subnet["cidrBlock"] for subnet in subnets] == ["10.20.0.0/20", "10.20.16.0/20"]
    assert [subnet["availabilityZone"] for subnet in subnets] == ZONES
    assert not any(subnet["mapPublicIpOnLaunch"] for subnet in subnets)
    assert "0.0.0.0/0" not in json.dumps([r.inputs for r in plan.custom()], default=str)
    closed = plan.resource("f-closed-group").inputs
    assert (closed["ingress"], closed["egress"]) == ([], [])


def test_what_runs_in_it_speaks_to_itself_and_to_endpoints_alone(planned: Plans) -> None:
    plan = planned(**CREATED)
    own, endpoints = (plan.token(f"f-{group}", "id") for group in ("workloads", "endpoints"))
    https = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    assert egress(plan) == {
        "f-to-itself": {"ipProtocol": "-1", "referencedSecurityGroupId": own},
        "f-to-endpoints": {**https, "referencedSecurityGroupId": endpoints},
        "f-to-s3": {**https, "prefixListId": plan.token("f-endpoint-s3", "prefixListId")},
    }
    way_in = plan.resource("f-endpoints-from-workloads").inputs
    assert (way_in["securityGroupId"], way_in["referencedSecurityGroupId"]) == (endpoints, own)


def test_endpoints_lead_to_the_services_in_use(planned: Plans) -> None:
    plan = planned(**CREATED)
    names = {r.name: r.inputs["serviceName"] for r in plan.custom() if r.type.endswith(":VpcEndpoint")}
    assert names == {
        "f-endpoint-s3": "com.amazonaws.eu-central-1.s3",
        "f-endpoint-sagemaker.api": "com.amazonaws.eu-central-1.sagemaker.api",
        "f-endpoint-studio": "aws.sagemaker.eu-central-1.studio",
    }
    gateway = plan.resource("f-endpoint-s3").inputs
    assert gateway["vpcEndpointType"] == "Gateway"
    assert gateway["routeTableIds"] == [plan.token(f"f-routes-{zone}", "id") for zone in ZONES]
    ours, layers = json.loads(gateway["policy"])["Statement"]
    assert ours["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}
    assert layers["Action"] == ["s3:GetObject"]
    assert layers["Resource"] == ["arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*"]
    private = plan.resource("f-endpoint-studio").inputs
    assert (private["vpcEndpointType"], private["privateDnsEnabled"]) == ("Interface", True)
    assert private["subnetIds"] == [plan.token(f"f-private-{zone}", "id") for zone in ZONES]


def test_subnets_are_known_once_their_endpoints_are_there(plan_aws: Plans, place: Plans) -> None:
    import pulumi_aws as aws

    def build(options: pulumi.ResourceOptions) -> None:
        args: Any = {"placement": place(), "network": CREATED}
        made = AwsFoundation("f", args, options)
        # Stands for anything that runs in the network.
        aws.ec2.NetworkInterface("user", subnet_id=made.subnet_ids.apply(lambda ids: ids[0]), opts=options)

    plan = plan_aws(build)
    waits = set(plan.resource("user").property_dependencies["subnetId"])
    needed = ("f-endpoint-s3", "f-endpoint-studio", "f-to-endpoints", "f-to-s3")
    assert {plan.resource(name).urn for name in needed} <= waits
    assert plan.resource("user").inputs["subnetId"] == plan.token("f-private-eu-central-1a", "id")


@pytest.mark.parametrize(("internet", "gateways"), [("nat", 1), ("nat_per_zone", 2)])
def test_a_way_out_is_made_when_asked_for(internet: str, gateways: int, planned: Plans) -> None:
    plan = planned(**CREATED, internet=internet)
    found = kinds(plan)
    assert (found["InternetGateway"], found["NatGateway"], found["Eip"]) == (1, gateways, gateways)
    nats = [plan.resource(f"f-route-{zone}").inputs["natGatewayId"] for zone in ZONES]
    assert len(set(nats)) == gateways
    assert plan.resource("f-public-eu-central-1a").inputs["cidrBlock"] == "10.20.128.0/20"
    assert egress(plan)["f-to-anywhere"]["cidrIpv4"] == "0.0.0.0/0"
    assert plan.resource("f-route-public").urn in plan.resource("f-nat-eu-central-1a").dependencies


def test_what_it_reaches_is_named(planned: Plans) -> None:
    plan = planned(**CREATED, reaches=["10.30.0.0/16"])
    assert egress(plan)["f-to-10.30.0.0-16"] == {"ipProtocol": "-1", "cidrIpv4": "10.30.0.0/16"}


def test_flow_logs_go_to_the_log_bucket(planned: Plans) -> None:
    plan = planned(**CREATED)
    log = plan.resource("f-flow-log")
    assert log.inputs["logDestination"] == plan.token("f-logs") + "/network/"
    assert plan.resource("f-logs-policy").urn in log.dependencies
    write = plan.statements("f-logs-policy")["NetworkLogs"]
    assert write["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert write["Resource"] == [plan.token("f-logs") + "/network/AWSLogs/111122223333/*"]


def test_an_adopted_network_is_left_alone(planned: Plans) -> None:
    plan = planned(**ADOPTED, security_group_id="sg-1")
    assert kinds(plan) == {}
    assert plan.outputs["subnet_ids"] == ["subnet-1", "subnet-2"]
    assert plan.outputs["security_group_id"] == "sg-1"


def test_an_adopted_network_gets_a_group_and_endpoints_where_asked(planned: Plans) -> None:
    plain = planned(**ADOPTED)
    assert kinds(plain) == {"SecurityGroup": 1, "SecurityGroupIngressRule": 1, "SecurityGroupEgressRule": 2}
    assert egress(plain)["f-to-anywhere"]["cidrIpv4"] == "0.0.0.0/0"
    plan = planned(**ADOPTED, endpoints=["s3", "logs"], route_table_ids=["rtb-1"])
    assert kinds(plan)["VpcEndpoint"] == 2
    assert plan.resource("f-endpoint-s3").inputs["routeTableIds"] == ["rtb-1"]
    assert "f-to-anywhere" not in egress(plan)


def test_a_role_may_put_interfaces_into_these_subnets_alone(planned: Plans) -> None:
    plan = planned(**ADOPTED, security_group_id="sg-1")
    statements = json.loads(plan.outputs["policy"])["Statement"]
    ec2 = "arn:aws:ec2:eu-central-1:111122223333"
    subnets = [f"{ec2}:subnet/subnet-1", f"{ec2}:subnet/subnet-2"]
    by_resource = {tuple(each["Resource"]): each for each in statements}
    assert by_resource[f"{ec2}:security-group/sg-1", *subnets]["Action"] == ["ec2:CreateNetworkInterface"]
    assert by_resource[(f"{ec2}:network-interface/*",)]["Condition"] == {"ArnEquals": {"ec2:Subnet": subnets}}
    assert all(action.startswith("ec2:Describe") for action in by_resource[("*",)]["Action"])


def test_a_service_without_an_endpoint_is_refused() -> None:
    with pytest.raises(ArgsError, match=r"names 'sagemaker\.apis', for which no endpoint is known; did you mean"):
        service_name("sagemaker.apis", "eu-west-1")
