"""By which endpoint a service is reached from a private network, for calls and for permissions.

Sources: AWS PrivateLink Guide, "AWS services that integrate with AWS PrivateLink"; SageMaker Developer Guide, "Connect
to SageMaker AI within your VPC", whose table tells SageMaker's endpoints apart by their APIs.
"""

from __future__ import annotations

from collections.abc import Mapping

from call_accounts import PlannedAccount, Role
from call_policies import permissions

_OF_SERVICE: Mapping[str, str] = {
    "cloudwatch": "monitoring",
    "kms": "",  # asked by the service that holds the data
    "logs": "logs",
    "s3": "s3",
    "sagemaker": "sagemaker.api",
    "sagemaker-featurestore-runtime": "sagemaker.featurestore-runtime",
    "sagemaker-metrics": "sagemaker.metrics",
    "sagemaker-runtime": "sagemaker.runtime",
    "secretsmanager": "secretsmanager",
    "sts": "sts",
}
"""A service's name in botocore -> its endpoint; empty where our code never speaks to it itself."""
_OF_ACTION: Mapping[str, str] = {
    "ecr:BatchCheckLayerAvailability": "ecr.dkr",
    "ecr:BatchGetImage": "ecr.dkr",
    "ecr:GetDownloadUrlForLayer": "ecr.dkr",
    "ecr:GetAuthorizationToken": "ecr.api",
    "iam:PassRole": "",  # no call
    "sagemaker:BatchPutMetrics": "sagemaker.metrics",
    "sagemaker:CallMlflowAppApi": "experiments",
    "sagemaker:CreatePresignedDomainUrl": "studio",
    "sagemaker:DeleteRecord": "sagemaker.featurestore-runtime",
    "sagemaker:GetRecord": "sagemaker.featurestore-runtime",
    "sagemaker:InvokeEndpoint": "sagemaker.runtime",
    "sagemaker:PutRecord": "sagemaker.featurestore-runtime",
}
"""Actions that are reached otherwise than their service."""
WITHOUT_PERMISSION: Mapping[str, str] = {
    "lambda": "how an application in the network reaches a function, with a permission of its own",
    "sagemaker.runtime": "how an application in the network reaches an endpoint, with a permission of its own",
    "sts": "asked by SDKs in notebooks and jobs who they are, which takes no permission",
    "studio": "how a browser in the network reaches Studio (Developer Guide, Connect to Studio through an interface "
    "VPC endpoint)",
}
"""Endpoints that no role in the network needs, and why they are there all the same."""


def endpoint_of(service: str, action: str = "") -> str:
    """The endpoint that a call of botocore's service, or an action, takes; empty for none."""
    named = _OF_ACTION.get(f"{service}:{action}")
    return _OF_SERVICE[service] if named is None else named


def endpoints(account: PlannedAccount, scope: str) -> set[str]:
    """What the plan makes: each endpoint by its name without the region."""
    found = set()
    for endpoint in account.of_type("aws:ec2/vpcEndpoint:VpcEndpoint", scope):
        name = str(endpoint.inputs["serviceName"]).split(".")
        found.add(".".join(name[3:]))
    return found


def in_network(account: PlannedAccount, scope: str) -> list[Role]:
    """The roles of what runs in the network of a scope: jobs, servers, and people in notebooks."""
    roles = [(purpose, role) for (of, purpose), role in account.roles.items() if of == scope]
    return [
        role
        for purpose, role in roles
        if purpose.startswith("studio")
        or any(p.action == "ec2:CreateNetworkInterface" for p in permissions(role.policy))
    ]


def needed(account: PlannedAccount, scope: str) -> set[str]:
    """The endpoints that the permissions of these roles take. Interfaces are made by the services, from outside."""
    asked = {p.action for role in in_network(account, scope) for p in permissions(role.policy)}
    parts = [action.partition(":") for action in asked if not action.startswith("ec2:")]
    return {endpoint_of(service, action) for service, _, action in parts} - {""}
