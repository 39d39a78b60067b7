"""The documents of the foundation: read by cfn-lint, and taken by an emulator of AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest
from aws.linter import complaints, needs_linter

from mlops_components.foundation.aws.foundation import AwsFoundation, AwsSharedFoundation
from mlops_components.identity.aws import AwsIdentity
from mlops_components.identity.aws_trust import GITHUB_ISSUER, github_subjects

pytest_plugins = ["components.aws_plans"]

ACCOUNT = "111122223333"
NEWS = {kind: {"emails": ["a@example.com"]} for kind in ("success", "failure", "alarm", "budget")}
KINDS = {
    "Bucket": lambda i: f"arn:aws:s3:::{i['bucket']}",
    "Key": lambda _: f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "Topic": lambda i: f"arn:aws:sns:eu-central-1:{ACCOUNT}:{i['name']}",
    "Repository": lambda i: f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/{i['name']}",
    "OpenIdConnectProvider": lambda i: f"arn:aws:iam::{ACCOUNT}:oidc-provider/{i['url'].removeprefix('https://')}",
    "Subnet": lambda _: "subnet-0a1b2c3d",
    "SecurityGroup": lambda _: "sg-0a1b2c3d",
}
"""Resource type -> how AWS would have the token of one."""


@pytest.fixture
def planned(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> Any:
    """A foundation with all that it can have, and a role with all that it can grant."""

    def build(options: pulumi.ResourceOptions) -> None:
        shared_args: Any = {
            "placement": place("shared"),
            "artifacts": {"choice": "create"},
            "topics": {"failure": NEWS["failure"]},
            "oidc": {"github": {"url": f"https://{GITHUB_ISSUER}"}},
            "reader_account_ids": ["444455556666"],
        }
        shared = AwsSharedFoundation("shared", shared_args, options)
        args: Any = {
            "placement": place(),
            "topics": NEWS,
            "budget": {"monthly_usd": 500},
            "secrets": ["shop/api"],
            "network": {
                "choice": "create",
                "cidr": "10.20.0.0/16",
                "zones": ["eu-central-1a", "eu-central-1b"],
                "endpoints": ["s3", "logs"],
            },
        }
        made = AwsFoundation("foundation", args, options)
        role: Any = {
            "placement": place(),
            "purpose": "everything",
            "on_behalf_of": "foundation",
            "services": ["sagemaker.amazonaws.com"],
            "principals": [f"arn:aws:iam::{ACCOUNT}:role/ann"],
            "federations": [
                {
                    "provider_arn": shared.oidc_provider_arns.apply(lambda arns: arns["github"]),
                    "issuer": GITHUB_ISSUER,
                    "audience": "sts.amazonaws.com",
                    "subjects": github_subjects("shop/flights", branches=["main"]),
                }
            ],
            "grants": [
                *made.grant_key_use(),
                *made.grant_network_interfaces(),
                *made.grant_publish("failure"),
                *made.grant_secrets_read(),
                *shared.grant_shared_artifacts_write(),
                *shared.grant_key_use(),
                *shared.grant_publish("failure"),
            ],
        }
        AwsIdentity("role", role, options)

    return plan_aws(build)


def _plain(plan: Any, text: str) -> Any:
    """A document with what AWS would have in place of the plan's tokens."""
    by_urn = {resource.urn: resource for resource in plan.custom()}

    def value(token: re.Match[str]) -> str:
        resource = by_urn[token[1]]
        return KINDS[resource.type.rsplit(":", 1)[-1]](resource.inputs)

    return json.loads(re.sub(r"\$\{([^}#]*)#(?:arn|id)\}", value, text))


def _of(plan: Any, kind: str) -> list[Any]:
    return [resource for resource in plan.custom() if resource.type.rsplit(":", 1)[-1] == kind]


@needs_linter
def test_every_policy_names_real_actions_on_resources_of_theirs(planned: Any, tmp_path: Path) -> None:
    bodies: dict[str, Callable[[Any], dict[str, Any]]] = {
        "Key": lambda i: {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": _plain(planned, i["policy"])}},
        "BucketPolicy": lambda i: {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": i["bucket"], "PolicyDocument": _plain(planned, i["policy"])},
        },
        "TopicPolicy": lambda i: {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [f"arn:aws:sns:eu-central-1:{ACCOUNT}:topic"],
                "PolicyDocument": _plain(planned, i["policy"]),
            },
        },
        "Role": lambda i: {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": _plain(planned, i["assumeRolePolicy"])},
        },
        "RolePolicy": lambda i: {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": _plain(planned, i["policy"])},
        },
    }
    resources = {
        re.sub(r"\W|_", "", resource.name.title()): body(resource.inputs)
        for kind, body in bodies.items()
        for resource in _of(planned, kind)
    }
    assert len(resources) == 2 + 6 + 5 + 1 + 1
    assert complaints(resources, tmp_path) == []


def test_an_emulator_takes_buckets_topics_keys_and_roles(emulator: str, planned: Any) -> None:
    s3, sns, kms, iam = (boto3.client(service) for service in ("s3", "sns", "kms", "iam"))
    for bucket in _of(planned, "Bucket"):
        s3.create_bucket(
            Bucket=bucket.inputs["bucket"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    for policy in _of(planned, "BucketPolicy"):
        document = json.dumps(_plain(planned, policy.inputs["policy"]))
        s3.put_bucket_policy(Bucket=policy.inputs["bucket"], Policy=document)
    for topic in _of(planned, "Topic"):
        arn = sns.create_topic(Name=topic.inputs["name"])["TopicArn"]
        (policy,) = [p for p in _of(planned, "TopicPolicy") if p.name == f"{topic.name}-policy"]
        document = json.dumps(_plain(planned, policy.inputs["policy"]))
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    for key in _of(planned, "Key"):
        kms.create_key(Policy=json.dumps(_plain(planned, key.inputs["policy"])))
    for provider in _of(planned, "OpenIdConnectProvider"):
        iam.create_open_id_connect_provider(
            Url=provider.inputs["url"], ClientIDList=provider.inputs["clientIdLists"], ThumbprintList=["0" * 40]
        )
    (role,), (grants,) = _of(planned, "Role"), _of(planned, "RolePolicy")
    trust = json.dumps(_plain(planned, role.inputs["assumeRolePolicy"]))
    iam.create_role(RoleName=role.inputs["name"], AssumeRolePolicyDocument=trust)
    document = json.dumps(_plain(planned, grants.inputs["policy"]))
    iam.put_role_policy(RoleName=role.inputs["name"], PolicyName="grants", PolicyDocument=document)
    assert len(s3.list_buckets()["Buckets"]) == 6
    assert len(sns.list_topics()["Topics"]) == 5


def test_an_emulator_takes_the_network(emulator: str, planned: Any) -> None:
    """Subnets that lie in the VPC and do not overlap, and endpoints of names and policies that can be."""
    ec2 = boto3.client("ec2")
    (vpc,) = _of(planned, "Vpc")
    vpc_id = ec2.create_vpc(CidrBlock=vpc.inputs["cidrBlock"])["Vpc"]["VpcId"]
    for subnet in _of(planned, "Subnet"):
        ec2.create_subnet(
            VpcId=vpc_id, CidrBlock=subnet.inputs["cidrBlock"], AvailabilityZone=subnet.inputs["availabilityZone"]
        )
    for endpoint in _of(planned, "VpcEndpoint"):
        inputs = endpoint.inputs
        more = {"PolicyDocument": inputs["policy"]} if "policy" in inputs else {}
        ec2.create_vpc_endpoint(
            VpcId=vpc_id, ServiceName=inputs["serviceName"], VpcEndpointType=inputs["vpcEndpointType"], **more
        )
    made = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["VpcEndpoints"]
    assert {each["VpcEndpointType"] for each in made} == {"Gateway", "Interface"}
