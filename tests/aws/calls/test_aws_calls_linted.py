"""Every policy of the whole blueprint, with ARNs as AWS makes them, read by cfn-lint."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from call_accounts import PlannedAccount
from full_plans import filled_plan
from linter import as_managed_policy, complaints, needs_linter

Body = Callable[[Mapping[str, Any]], dict[str, Any]]


def _resource_policy(kind: str, name: str, policy: str) -> Body:
    def body(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"Type": kind, "Properties": {name: given["named"], policy: given["document"]}}

    return body


BODIES: Mapping[str, tuple[str, str, Body]] = {
    "aws:iam/rolePolicy:RolePolicy": ("policy", "role", lambda given: as_managed_policy(given["document"])),
    "aws:iam/role:Role": (
        "assumeRolePolicy",
        "name",
        lambda given: {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": given["document"]}},
    ),
    "aws:kms/key:Key": (
        "policy",
        "description",
        lambda given: {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": given["document"]}},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        "policy",
        "bucket",
        _resource_policy("AWS::S3::BucketPolicy", "Bucket", "PolicyDocument"),
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (
        "policy",
        "repository",
        _resource_policy("AWS::ECR::Repository", "RepositoryName", "RepositoryPolicyText"),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        "policy",
        "arn",
        lambda given: {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [given["named"]], "PolicyDocument": given["document"]},
        },
    ),
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": (
        "resourcePolicy",
        "modelPackageGroupName",
        _resource_policy("AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupName", "ModelPackageGroupPolicy"),
    ),
}
"""Resource type -> where its policy is, what it is of, and the CloudFormation resource that carries it."""


@needs_linter
def test_every_policy_names_real_actions_on_resources_of_theirs(tmp_path: Path) -> None:
    account = PlannedAccount(filled_plan("aws"))
    template: dict[str, Any] = {}
    kinds: Counter[str] = Counter()
    for resource in account.plan.resources:
        if resource.type in BODIES and resource.scope in ("shared", "dev"):
            policy, named, body = BODIES[resource.type]
            given = {
                "document": account.document(resource.inputs[policy]),
                "named": account.plain(resource.inputs[named]),
            }
            template[re.sub(r"\W|_", "", f"{resource.scope}-{resource.name}-{kinds.total()}".title())] = body(given)
            kinds[resource.type] += 1
    assert set(kinds) == set(BODIES)
    assert kinds["aws:iam/rolePolicy:RolePolicy"] > 30
    assert complaints(template, tmp_path) == []
