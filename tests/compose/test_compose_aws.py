"""The AWS slice: identity of resources, permissions, accounts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from compose.documents import DEV, PROD, aws
from goldens import check_golden
from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import Plan


@pytest.fixture(scope="module")
def two_accounts() -> Plan:
    """Dev and prod, each in an account of its own."""
    return plan(project_of(aws(), Path("/project")))


@pytest.fixture(scope="module")
def one_account() -> Plan:
    """Dev and prod, and what is shared, in one account."""
    return plan(project_of(aws(accounts=(DEV, DEV)), Path("/project")))


@pytest.mark.golden
@pytest.mark.parametrize("case", ["two_accounts", "one_account"])
def test_urns_are_stable(case: str, request: pytest.FixtureRequest) -> None:
    planned: Plan = request.getfixturevalue(case)
    lines = [f"{resource.scope} {resource.urn}" for resource in planned.resources]
    check_golden(f"aws-slice-{case.replace('_', '-')}.urns.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("case", ["two_accounts", "one_account"])
def test_nothing_to_object_to(case: str, request: pytest.FixtureRequest) -> None:
    planned: Plan = request.getfixturevalue(case)
    assert planned.errors == ()


def test_two_runs_give_the_same_plan(two_accounts: Plan) -> None:
    again = plan(project_of(aws(), Path("/project")))
    assert again == two_accounts


def _physical_names(planned: Plan) -> list[tuple[str, str]]:
    keys = ("bucket", "name", "repositoryName", "modelPackageGroupName", "trackingServerName")
    kinds = ("Bucket", "Role", "Alias", "Repository", "ModelPackageGroup", "MlflowApp")
    return [
        (resource.type, next(str(resource.inputs[key]) for key in keys if key in resource.inputs))
        for resource in planned.resources
        if resource.type.rsplit(":", 1)[-1] in kinds
    ]


def test_nothing_is_created_twice_in_one_account(one_account: Plan) -> None:
    names = _physical_names(one_account)
    assert len(names) >= 14
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_each_scope_uses_the_provider_of_its_own_account(two_accounts: Plan) -> None:
    accounts = {
        scope.scope: [r.inputs["allowedAccountIds"] for r in scope.resources if r.is_provider]
        for scope in two_accounts.scopes
    }
    # Numbers and lists are text in a provider's configuration.
    assert {s: json.loads(a[0]) if isinstance(a[0], str) else a[0] for s, a in accounts.items()} == {
        "shared": [DEV],
        "dev": [DEV],
        "prod": [PROD],
    }
    for resource in two_accounts.resources:
        if resource.custom and not resource.is_provider and not resource.type.startswith("pulumi:"):
            assert resource.options["provider"].endswith("::aws"), resource.urn


def test_other_accounts_may_pull_images_and_deploy_versions(two_accounts: Plan, one_account: Plan) -> None:
    policies = [r for r in two_accounts.resources if r.type.endswith("ModelPackageGroupPolicy")]
    assert len(policies) == 1
    principals = {
        principal
        for statement in json.loads(policies[0].inputs["resourcePolicy"])["Statement"]
        for principal in statement["Principal"]["AWS"]
    }
    assert principals == {f"arn:aws:iam::{PROD}:root"}
    assert not [r for r in one_account.resources if r.type.endswith("ModelPackageGroupPolicy")]


def test_a_role_is_known_only_once_its_policy_is_attached(two_accounts: Plan) -> None:
    app = next(r for r in two_accounts.resources if r.scope == "dev" and r.type.endswith("MlflowApp"))
    policy = next(r for r in two_accounts.resources if r.scope == "dev" and r.type.endswith("RolePolicy"))
    assert policy.urn in app.dependencies
    assert policy.urn in app.property_dependencies["roleArn"]


def test_the_tracking_role_may_write_its_own_folder_and_nothing_else(two_accounts: Plan) -> None:
    policy = next(r for r in two_accounts.resources if r.scope == "dev" and r.type.endswith("RolePolicy"))
    statements = json.loads(policy.inputs["policy"])["Statement"]
    objects = [res for s in statements for res in s["Resource"] if any(a.startswith("s3:Put") for a in s["Action"])]
    assert objects
    assert all(res.endswith("/mlflow/*") for res in objects), objects
    assert not [a for s in statements for a in s["Action"] if "*" in a]


def test_a_permission_boundary_is_on_every_role() -> None:
    boundary = f"arn:aws:iam::{DEV}:policy/boundary"
    document = aws(stages={"foundation": {"permission_boundary": boundary}, "experiment_tracking": {}})
    roles = [r for r in plan(project_of(document, Path("/project"))).resources if r.type == "aws:iam/role:Role"]
    assert roles
    assert {r.inputs["permissionsBoundary"] for r in roles} == {boundary}


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [("delete", {}), ("retain", {"retainOnDelete": True}), ("protect", {"protect": True})],
)
def test_lifecycle_is_on_what_holds_data_only(lifecycle: str, expected: dict[str, Any]) -> None:
    planned = plan(project_of(aws(lifecycle=lifecycle), Path("/project")))
    stateful = {"Bucket", "Key", "Repository", "ModelPackageGroup", "ModelCard", "MlflowApp"}
    for resource in planned.resources:
        marks = {k: v for k, v in resource.options.items() if k in ("retainOnDelete", "protect") and v}
        kind = resource.type.rsplit(":", 1)[-1]
        assert marks == (expected if kind in stateful else {}), resource.urn


def test_adopted_things_are_referred_to_and_not_created() -> None:
    arn = f"arn:aws:kms:eu-west-1:{DEV}:key/11111111-2222-3333-4444-555555555555"
    foundation = {"key": {"mode": "adopt", "arn": arn}, "artifacts_bucket": {"mode": "adopt", "name": "our-artifacts"}}
    planned = plan(project_of(aws(stages={"foundation": foundation, "experiment_tracking": {}}), Path("/project")))
    types = [r.type for r in planned.resources]
    assert "aws:kms/key:Key" not in types
    dev = next(scope for scope in planned.scopes if scope.scope == "dev")
    assert "our-artifacts" not in [r.inputs.get("bucket") for r in dev.resources if r.type == "aws:s3/bucket:Bucket"]
    assert dev.outputs["foundation"]["artifact_root"] == "s3://our-artifacts"
    app = next(r for r in dev.resources if r.type.endswith("MlflowApp"))
    assert app.inputs["artifactStoreUri"] == "s3://our-artifacts/mlflow"
