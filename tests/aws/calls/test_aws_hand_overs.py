"""Whoever is handed a role can do with it what the thing needs that it is handed over for, by whichever engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from call_accounts import PlannedAccount, Role
from call_policies import allows, permissions
from full_plans import ENGINES, filled_plan, plan_by
from hand_definitions import ANYWHERE
from hand_overs import RULES, Handed, handed_over

BY = ("aws", *ENGINES)
TRUSTED_OTHERWISE = {"pulumi:providers:aws", "pulumi:providers:aws-native", "aws:cloudwatch/eventRule:EventRule"}
"""They name a role and hand it to nobody: the deployer's own, and the one that an event is about."""


@cache
def account_by(engine: str) -> PlannedAccount:
    return PlannedAccount(filled_plan("aws") if engine == "aws" else plan_by(engine))


def lacking(account: PlannedAccount) -> Iterator[str]:
    """What no policy of a role that is handed over allows."""
    roles = {f"{scope}/{role.name}": role for (scope, _), role in account.roles.items()}
    for scope in {scope for scope, _ in account.roles}:
        for handed in handed_over(account, scope):
            role = roles[f"{scope}/{handed.role.rsplit('/', 1)[-1]}"]
            if not _holds(role, handed):
                yield str(handed)


def _holds(role: Role, handed: Handed) -> bool:
    if handed.need.resource == ANYWHERE:
        return any(one.action == handed.need.action for one in permissions(role.policy))
    return allows(role.policy, handed.need)


@pytest.mark.parametrize("engine", BY)
def test_a_role_that_is_handed_over_may_do_what_that_takes(engine: str) -> None:
    assert sorted(set(lacking(account_by(engine)))) == []


@pytest.mark.parametrize("engine", BY)
def test_of_everything_that_is_handed_a_role_it_is_known_what_it_takes(engine: str) -> None:
    unknown = {
        resource.type
        for resource in account_by(engine).plan.resources
        if not resource.type.startswith("aws:iam/")
        and resource.type not in RULES | TRUSTED_OTHERWISE
        and resource.custom
        and re.search(r"iam/role:Role::[^#]*#arn|:role/", str(resource.inputs))
    }
    assert unknown == set()


@pytest.mark.parametrize(
    ("engine", "purpose", "action"),
    [
        ("aws", "training", "kms:CreateGrant"),
        ("aws", "pipeline", "kms:CreateGrant"),
        ("aws", "pipeline", "iam:PassRole"),
        ("aws", "training", "ec2:CreateNetworkInterface"),
        ("aws", "serving", "ecr:BatchGetImage"),
        ("aws", "serving", "s3:PutObject"),
        ("aws", "monitor", "ecr:GetDownloadUrlForLayer"),
        ("aws", "monitor", "s3:GetObject"),
        ("aws", "features", "s3:GetBucketAcl"),
        ("aws", "batch", "sagemaker:CreateTransformJob"),
        ("aws", "cd", "sns:Publish"),
        ("aws", "counter", "cloudwatch:PutMetricData"),
        ("step_functions", "pipeline", "events:PutRule"),
        ("lambda", "serving", "ec2:AssignPrivateIpAddresses"),
        ("lambda", "deploy", "lambda:UpdateAlias"),
        ("ecs", "launch", "logs:PutLogEvents"),
        ("ecs", "traffic", "elasticloadbalancing:ModifyRule"),
    ],
)
def test_a_missing_permission_is_named_with_its_role(engine: str, purpose: str, action: str) -> None:
    account = account_by(engine)
    (scope,) = {scope for scope, of in account.roles if of == purpose and scope in ("shared", "dev")}
    role = account.roles[scope, purpose]
    handed = [one for one in handed_over(account, scope) if one.role.endswith(f":role/{role.name}")]
    kept = [{**one, "Action": [a for a in one["Action"] if a != action]} for one in role.policy["Statement"]]
    poorer = Role(role.scope, role.name, role.stage, role.trust, {"Statement": kept})
    found = {str(one) for one in handed if not _holds(poorer, one)}
    assert any(one.startswith(f"{role.name} must hold {action} ") for one in found)
    assert all(f" must hold {action} " in one for one in found)
