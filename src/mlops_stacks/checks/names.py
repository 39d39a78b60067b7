"""Checks physical names against what the platform accepts, and against each other across all scopes.

A name that the platform refuses fails in the middle of a deployment; one that two scopes share fails for the second,
or makes one stack take over what belongs to the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from mlops_stacks.checks.values import is_known_text, is_read
from mlops_stacks.plan import Finding, Plan, PlannedResource, ScopePlan, Severity

RULES = {
    "name-length": "a physical name is as long as its platform allows",
    "name-characters": "a physical name consists of what its platform allows",
    "duplicate-name": "no two resources, of whatever scope, have the same physical name in the same place",
}

Reach = Literal["everywhere", "account", "region"]
"""Where a name must be unique: among all accounts, in its account, or in its region of its account."""


@dataclass(frozen=True, slots=True)
class NameLimits:
    """What a platform accepts as the name of one resource type."""

    key: str
    shortest: int
    longest: int
    pattern: str
    allowed: str
    reach: Reach = "region"
    folds_case: bool = False


_SAGEMAKER = r"[a-zA-Z0-9](-*[a-zA-Z0-9])*"
_SAGEMAKER_ALLOWED = "letters, digits and hyphens, beginning and ending with a letter or digit"
_IAM = NameLimits("name", 1, 64, r"[\w+=,.@-]+", "letters, digits and +=,.@_-", "account", folds_case=True)


def _sagemaker(key: str, longest: int) -> NameLimits:
    return NameLimits(key, 1, longest, _SAGEMAKER, _SAGEMAKER_ALLOWED)


# Sources: S3 User Guide "Bucket naming rules"; IAM User Guide "IAM and AWS STS quotas"; KMS API CreateAlias;
# ECR API CreateRepository; SageMaker API, the name parameter of each Create call; SNS API CreateTopic; AWS Budgets
# API CreateBudget; CloudTrail User Guide "Naming requirements"; EC2 API CreateSecurityGroup.
LIMITS: Mapping[str, NameLimits] = {
    "aws:s3/bucket:Bucket": NameLimits(
        "bucket",
        3,
        63,
        r"(?!xn--|sthree-|amzn-s3-demo-|\d+\.\d+\.\d+\.\d+$)[a-z0-9]([a-z0-9-]|\.(?!\.))*[a-z0-9]"
        r"(?<!-s3alias)(?<!--ol-s3)(?<!\.mrap)(?<!--x-s3)(?<!--table-s3)",
        "lower-case letters, digits, hyphens and single dots, beginning and ending with a letter or digit, without "
        "the beginnings and endings that S3 reserves",
        "everywhere",
    ),
    "aws:iam/role:Role": _IAM,
    "aws:iam/instanceProfile:InstanceProfile": NameLimits(
        "name", 1, 128, _IAM.pattern, _IAM.allowed, "account", folds_case=True
    ),
    "aws:iam/policy:Policy": NameLimits("name", 1, 128, _IAM.pattern, _IAM.allowed, "account", folds_case=True),
    "aws:kms/alias:Alias": NameLimits(
        "name",
        7,
        256,
        r"alias/(?!aws/)[a-zA-Z0-9/_-]+",
        "`alias/`, then letters, digits and /_-, but not `alias/aws/`",
    ),
    "aws:ecr/repository:Repository": NameLimits(
        "name",
        2,
        256,
        r"([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*",
        "lower-case letters and digits, with single ._- or / between them",
    ),
    "aws:budgets/budget:Budget": NameLimits("name", 1, 100, r"[^:\\]+", "anything but : and \\", "account"),
    "aws:cloudtrail/trail:Trail": NameLimits(
        "name",
        3,
        128,
        r"[a-zA-Z0-9]([._-]?[a-zA-Z0-9])*",
        "letters and digits, with single ._- between them",
    ),
    "aws:ec2/securityGroup:SecurityGroup": NameLimits(
        "name", 1, 255, r"(?!sg-)[\w .:/()#,@\[\]+=&;{}!$*-]+", "letters, digits and spaces, without `sg-` in front"
    ),
    "aws:sns/topic:Topic": NameLimits("name", 1, 256, r"[a-zA-Z0-9_-]+(\.fifo)?", "letters, digits and _-"),
    "aws:sagemaker/endpoint:Endpoint": _sagemaker("name", 63),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": _sagemaker("name", 63),
    "aws:sagemaker/mlflowApp:MlflowApp": _sagemaker("name", 256),
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": _sagemaker("trackingServerName", 256),
    "aws:sagemaker/model:Model": _sagemaker("name", 63),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": _sagemaker("modelPackageGroupName", 63),
    "aws:sagemaker/pipeline:Pipeline": _sagemaker("pipelineName", 256),
}
"""The types whose names are checked."""


def find(plan: Plan) -> Iterator[Finding]:
    """Yield names that a platform would refuse, and names that are taken twice."""
    taken: dict[tuple[str, ...], tuple[str, PlannedResource]] = {}
    for scope in plan.scopes:
        for resource in scope.resources:
            limits = LIMITS.get(resource.type)
            name = resource.inputs.get(limits.key) if limits else None
            if limits is None or is_read(resource) or not is_known_text(name):
                continue
            assert isinstance(name, str)  # noqa: S101 - says to mypy what is_known_text has found
            yield from _illegal(resource, name, limits)
            place = (resource.type, name.lower() if limits.folds_case else name, *_place(resource, scope, limits.reach))
            if place in taken:
                yield _twice(resource, name, scope, *taken[place])
            taken.setdefault(place, (scope.scope, resource))


def _illegal(resource: PlannedResource, name: str, limits: NameLimits) -> Iterator[Finding]:
    subject = f"{resource.name} ({resource.type}): `{limits.key}` is {name!r}"
    if not limits.shortest <= len(name) <= limits.longest:
        yield Finding(
            "name-length",
            Severity.ERROR,
            resource.urn,
            f"{subject}, which has {len(name)} characters where {limits.shortest} to {limits.longest} are allowed",
            "choose a shorter blueprint or model name" if len(name) > limits.longest else "choose a longer name",
        )
    if not re.fullmatch(limits.pattern, name, re.ASCII):
        yield Finding(
            "name-characters",
            Severity.ERROR,
            resource.urn,
            f"{subject}, which its platform does not accept",
            f"use only {limits.allowed}",
        )


def _twice(resource: PlannedResource, name: str, scope: ScopePlan, first_scope: str, first: PlannedResource) -> Finding:
    return Finding(
        "duplicate-name",
        Severity.ERROR,
        resource.urn,
        f"{resource.name} of scope {scope.scope!r} and {first.name} of scope {first_scope!r} are both a "
        f"{resource.type} with the physical name {name!r} in the same place",
        "put the scope into the physical name, or create the resource once, in the shared scope",
    )


def _place(resource: PlannedResource, scope: ScopePlan, reach: Reach) -> tuple[str, ...]:
    """Say where a name must be unique, as far as the resource's provider tells."""
    if reach == "everywhere":
        return ()
    provider = scope.by_urn.get(str(resource.options.get("provider", "")))
    inputs = provider.inputs if provider else {}
    account = _account(str(inputs.get("allowedAccountIds", "")))
    if reach == "account":
        return (account,)
    return account, str(resource.inputs.get("region") or inputs.get("region", ""))


def _account(allowed: str) -> str:
    try:
        accounts = json.loads(allowed)
    except ValueError:
        return allowed
    return ",".join(sorted(map(str, accounts))) if isinstance(accounts, list) else allowed
