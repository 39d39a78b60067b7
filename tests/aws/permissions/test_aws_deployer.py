"""The deployer's policy: real actions on ARNs that they take, names of this blueprint only, and each type known."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from linter import as_managed_policy, complaints, needs_linter
from plan_builder import plan_of, resource, scope_of

from mlops_stacks.permissions.deployer import (
    ROWS,
    SIZE_LIMIT,
    NoPermissionsKnownError,
    deployer_policies,
)
from mlops_stacks.permissions.row import words
from mlops_stacks.plan import PlannedResource

KEY = "${urn:pulumi:fares-dev::mlops-stacks::aws:kms/key:Key::foundation-key#arn}"
TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"Service": ["sagemaker.amazonaws.com"]}}]})


def statements(*resources: PlannedResource) -> list[dict[str, Any]]:
    return [
        statement
        for policy in deployer_policies(plan_of(scope_of(*resources)))
        for document in policy.documents
        for statement in document["Statement"]
    ]


def allowing(action: str, *resources: PlannedResource) -> list[dict[str, Any]]:
    return [statement for statement in statements(*resources) if action in statement["Action"]]


@needs_linter
def test_every_row_names_real_actions_on_arns_that_they_take(tmp_path: Path) -> None:
    policies = {}
    for number, type_ in enumerate(ROWS):
        inputs = {"name": "fares-dev-x", "assumeRolePolicy": TRUST, "key": KEY, "bucket": "fares-dev-x"}
        (policy,) = deployer_policies(plan_of(scope_of(resource(type_, "x", inputs))))
        for part, document in enumerate(policy.documents):
            policies[f"Row{number}Part{part}"] = as_managed_policy(document)
    types = dict(enumerate(ROWS))
    found = [f"{types[int(c.split('Row')[1].split('Part')[0])]}: {c}" for c in complaints(policies, tmp_path)]
    assert found == [], "\n".join(found)


@needs_linter
def test_the_linter_would_notice(tmp_path: Path) -> None:
    wrong = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["sagemaker:CreateModels"], "Resource": ["arn:aws:sagemaker:*:*:model/a"]},
            {"Effect": "Allow", "Action": ["sagemaker:CreateModel"], "Resource": ["arn:aws:s3:::a"]},
        ],
    }
    assert len(complaints({"Wrong": as_managed_policy(wrong)}, tmp_path)) == 2


@pytest.mark.parametrize("type_", sorted(set(ROWS) - {"aws:lambda/invocation:Invocation"}))
def test_a_row_can_make_look_at_and_take_away(type_: str) -> None:
    row = ROWS[type_]
    found = {action.partition(":")[2] for action in words(f"{row.actions} : {row.own} : {row.anywhere}")}
    verbs = {"make": ("Create", "Put", "Register", "Modify", "Attach", "Associate", "Set", "Add", "Subscribe",
                      "Authorize", "Allocate", "Revoke"),
             "look": ("Describe", "Get", "List", "BatchGet", "View")}  # fmt: skip
    for beginnings in verbs.values():
        assert any(action.startswith(beginnings) for action in found), (type_, sorted(found))


def test_names_are_those_that_begin_with_blueprint_and_scope() -> None:
    bucket = resource("aws:s3/bucket:Bucket", "a", {"bucket": "fares-dev-artifacts-111111111111"})
    (statement,) = allowing("s3:CreateBucket", bucket)
    assert statement["Resource"] == ["arn:aws:s3:::fares-dev-*"]


def test_a_name_of_another_beginning_is_given_in_full_without_the_hash_of_its_content() -> None:
    model = resource("aws:sagemaker/model:Model", "m", {"name": "a-long-one-0123456789"})
    topic = resource("aws:sns/topic:Topic", "t", {"name": "a-long-one-0123456789"})
    (of_model,), (of_topic,) = allowing("sagemaker:CreateModel", model), allowing("sns:CreateTopic", topic)
    assert of_model["Resource"] == ["arn:aws:sagemaker:eu-west-1:111111111111:model/a-long-one-*"]
    assert of_topic["Resource"] == ["arn:aws:sns:eu-west-1:111111111111:a-long-one-0123456789"]


def test_roles_are_passed_only_to_the_services_that_they_trust() -> None:
    role = resource("aws:iam/role:Role", "r", {"name": "fares-dev-training", "assumeRolePolicy": TRUST})
    (statement,) = allowing("iam:PassRole", role)
    assert statement["Resource"] == ["arn:aws:iam::111111111111:role/fares-dev-*"]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com"]}}


def test_roles_with_a_boundary_are_made_only_with_it() -> None:
    boundary = "arn:aws:iam::111111111111:policy/limit"
    inputs = {"name": "fares-dev-training", "assumeRolePolicy": TRUST, "permissionsBoundary": boundary}
    (statement,) = allowing("iam:CreateRole", resource("aws:iam/role:Role", "r", inputs))
    assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": [boundary]}}


def test_what_aws_names_itself_may_be_changed_only_with_the_blueprints_tag() -> None:
    key = resource("aws:kms/key:Key", "k", {"tags": {"blueprint": "fares"}})
    (deletion,) = allowing("kms:ScheduleKeyDeletion", key)
    assert deletion["Condition"] == {"StringEquals": {"aws:ResourceTag/blueprint": ["fares"]}}


def test_an_adopted_key_is_named() -> None:
    arn = "arn:aws:kms:eu-west-1:111111111111:key/k"
    config = resource(
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration", "c", {"name": "fares-dev-c", "kmsKeyArn": arn}
    )
    (statement,) = allowing("kms:CreateGrant", config)
    assert statement["Resource"] == [arn]
    assert statement["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": ["true"]}}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("fares-shared-images", "fares-shared-*"), ("team/server", "team/server")],
)
def test_whoever_deploys_a_function_may_pull_its_image(name: str, pattern: str) -> None:
    """The next image of the blueprint's repository as well."""
    image = f"999999999999.dkr.ecr.eu-west-1.amazonaws.com/{name}@sha256:{'0' * 64}"
    function = resource("aws:lambda/function:Function", "f", {"name": "fares-dev-f", "imageUri": image})
    (statement,) = allowing("ecr:BatchGetImage", function)
    assert statement["Resource"] == [f"arn:aws:ecr:eu-west-1:999999999999:repository/{pattern}"]
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def test_a_function_of_code_takes_no_image() -> None:
    function = resource("aws:lambda/function:Function", "f", {"name": "fares-dev-f", "runtime": "python3.13"})
    assert allowing("ecr:BatchGetImage", function) == []


def test_each_account_of_a_scope_has_policies_of_its_own() -> None:
    other = resource("pulumi:providers:aws", "other", {"allowedAccountIds": '["222222222222"]', "region": "eu-west-1"})
    here = resource("aws:sns/topic:Topic", "a", {"name": "fares-dev-a"})
    there = resource("aws:sns/topic:Topic", "b", {"name": "fares-dev-b"}, options={"provider": other.urn})
    found = deployer_policies(plan_of(scope_of(other, here, there)))
    assert [policy.account for policy in found] == ["111111111111", "222222222222"]


def test_documents_fit_into_managed_policies() -> None:
    names = [f"quite-a-long-name-of-a-topic-that-is-not-ours-{number:04d}" for number in range(300)]
    topics = [resource("aws:sns/topic:Topic", name, {"name": name}) for name in names]
    (policy,) = deployer_policies(plan_of(scope_of(*topics)))
    assert len(policy.documents) > 1
    assert all(len(json.dumps(document).replace(" ", "")) <= SIZE_LIMIT for document in policy.documents)
    assert {arn for statement in statements(*topics) for arn in statement["Resource"]} == {
        f"arn:aws:sns:eu-west-1:111111111111:{name}" for name in names
    }


def test_a_type_without_a_row_is_said() -> None:
    with pytest.raises(NoPermissionsKnownError, match="aws:new/thing:Thing"):
        statements(resource("aws:new/thing:Thing", "x"))


def test_a_plan_without_aws_is_said() -> None:
    with pytest.raises(NoPermissionsKnownError, match="nothing on AWS"):
        deployer_policies(dataclasses.replace(plan_of(), scopes=()))
