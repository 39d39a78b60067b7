"""Teams on AWS: a role in every scope, by which one looks, experiments or approves, and nothing more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compose.documents import aws
from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import Plan

MEMBER = "arn:aws:iam::111111111111:role/ann"


def _plan(role: str, **more: Any) -> Plan:
    access = {"science": {"role": role, "members": [MEMBER]}}
    stages = {"foundation": {}, "experiment_tracking": {"flavour": "server"}, "model_registry": {}}
    return plan(project_of(aws(access=access, stages=stages, **more), Path("/project")))


def _actions(planned: Plan, scope: str) -> dict[str, set[str]]:
    """Resource -> what the team may do with it in a scope; nothing where its role has no policy."""
    (where,) = [each for each in planned.scopes if each.scope == scope]
    allowed: dict[str, set[str]] = {}
    for resource in where.resources:
        if resource.name == "foundation-team_science-policy":
            for statement in json.loads(resource.inputs["policy"])["Statement"]:
                for arn in statement["Resource"]:
                    allowed.setdefault(arn, set()).update(statement["Action"])
    return allowed


def _all(planned: Plan, scope: str) -> set[str]:
    return {action for actions in _actions(planned, scope).values() for action in actions}


@pytest.mark.parametrize("role", ["viewer", "contributor", "approver"])
def test_each_scope_has_a_role_that_the_members_assume(role: str) -> None:
    planned = _plan(role)
    assert planned.errors == ()
    roles = {s.scope: [r for r in s.resources if r.name == "foundation-team_science-role"] for s in planned.scopes}
    assert {scope: [each.inputs["name"] for each in found] for scope, found in roles.items()} == {
        scope: [f"flights-{scope}-team_science"] for scope in ("shared", "dev", "prod")
    }
    for (found,) in roles.values():
        (statement,) = json.loads(found.inputs["assumeRolePolicy"])["Statement"]
        assert statement["Principal"] == {"AWS": [MEMBER]}


def test_a_viewer_looks() -> None:
    planned = _plan("viewer")
    runs = {action for action in _all(planned, "dev") if action.startswith("sagemaker-mlflow:")}
    assert "sagemaker-mlflow:GetRun" in runs
    assert all(action.partition(":")[2].startswith(("Get", "List", "Search")) for action in runs)
    assert "sagemaker:CreatePresignedMlflowTrackingServerUrl" in _all(planned, "dev")
    assert not {action for action in _all(planned, "dev") if action.startswith("s3:")}
    assert _all(planned, "shared") == {"sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"}


def test_a_contributor_tracks_runs_and_writes_a_folder_of_its_own() -> None:
    planned = _plan("contributor")
    assert "sagemaker-mlflow:CreateRun" in _all(planned, "dev")
    written = [arn for arn, actions in _actions(planned, "dev").items() if "s3:PutObject" in actions]
    assert {arn.rpartition("#arn}/")[2] for arn in written} == {"mlflow/*", "workbench/science/*"}
    assert _all(planned, "shared") == _all(_plan("viewer"), "shared")


def test_an_approver_approves_versions_and_trains_nothing() -> None:
    planned = _plan("approver")
    assert "sagemaker:UpdateModelPackage" in _all(planned, "shared")
    assert "sagemaker:CreateModelPackage" not in _all(planned, "shared")
    assert _all(planned, "dev") == _all(_plan("viewer"), "dev")


def test_a_team_has_the_permission_boundary_as_everybody() -> None:
    boundary = "arn:aws:iam::111111111111:policy/boundary"
    access = {"science": {"role": "viewer", "members": [MEMBER]}}
    planned = plan(
        project_of(aws(access=access, stages={"foundation": {"permission_boundary": boundary}}, models={}), Path("/p"))
    )
    roles = [r for r in planned.resources if r.type.endswith(":Role")]
    assert roles
    assert {role.inputs["permissionsBoundary"] for role in roles} == {boundary}
