"""Who may assume a role: named people, and named repositories of CI systems."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from full_plans import filled_plan

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.foundation import AwsSharedFoundation
from mlops_components.identity.aws import AwsIdentity
from mlops_components.identity.aws_trust import GITHUB_ISSUER, AwsFederation, github_subjects, gitlab_subjects

pytest_plugins = ["components.aws_plans"]

PROVIDER = f"arn:aws:iam::111122223333:oidc-provider/{GITHUB_ISSUER}"
ANN = "arn:aws:iam::111122223333:role/ann"


def federation(subjects: list[str], provider: Any = PROVIDER) -> AwsFederation:
    return {
        "provider_arn": provider,
        "issuer": GITHUB_ISSUER,
        "audience": "sts.amazonaws.com",
        "subjects": subjects,
    }


def trust(plan_aws: Callable[..., Any], place: Callable[..., Any], **more: Any) -> Any:
    args: Any = {
        "placement": place(),
        "purpose": "ci",
        "on_behalf_of": "foundation",
        "services": [],
        "grants": [],
        **more,
    }
    plan = plan_aws(lambda options: AwsIdentity("ci", args, options) and None)
    return plan.document("ci-role", "assumeRolePolicy")["Statement"], plan.resource("ci-role").inputs


def test_a_token_is_trusted_for_its_repository_and_branch(
    plan_aws: Callable[..., Any], place: Callable[..., Any]
) -> None:
    subjects = github_subjects("shop/flights", branches=["main"], environments=["prod"])
    (statement,), _ = trust(plan_aws, place, federations=[federation(subjects)])
    assert statement == {
        "Effect": "Allow",
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Principal": {"Federated": PROVIDER},
        "Condition": {
            "StringEquals": {
                f"{GITHUB_ISSUER}:aud": "sts.amazonaws.com",
                f"{GITHUB_ISSUER}:sub": ["repo:shop/flights:environment:prod", "repo:shop/flights:ref:refs/heads/main"],
            }
        },
    }


def test_branches_by_a_pattern_need_another_operator(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    subjects = github_subjects("shop/flights", branches=["release/*"])
    (statement,), _ = trust(plan_aws, place, federations=[federation(subjects)])
    assert statement["Condition"] == {
        "StringEquals": {f"{GITHUB_ISSUER}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{GITHUB_ISSUER}:sub": ["repo:shop/flights:ref:refs/heads/release/*"]},
    }


def test_a_provider_that_is_made_at_the_same_time_will_do(
    plan_aws: Callable[..., Any], place: Callable[..., Any]
) -> None:
    def build(options: pulumi.ResourceOptions) -> None:
        args: Any = {
            "placement": place("shared"),
            "oidc": {"github": {"url": f"https://{GITHUB_ISSUER}"}},
        }
        provider = AwsSharedFoundation("s", args, options).oidc_provider_arns.apply(lambda arns: arns["github"])
        role: Any = {
            "placement": place("shared"),
            "purpose": "ci",
            "on_behalf_of": "continuous_integration",
            "services": [],
            "grants": [],
            "federations": [federation(["repo:shop/flights:pull_request"], provider)],
        }
        AwsIdentity("ci", role, options)

    plan = plan_aws(build)
    (statement,) = plan.document("ci-role", "assumeRolePolicy")["Statement"]
    assert statement["Principal"] == {"Federated": plan.token("s-oidc-github")}


def test_people_and_services_may_share_a_role(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    services = ["sagemaker.amazonaws.com"]
    statements, inputs = trust(plan_aws, place, principals=[ANN, ANN], services=services, max_session_hours=4)
    assert [each["Principal"] for each in statements] == [{"Service": services}, {"AWS": [ANN]}]
    assert inputs["maxSessionDuration"] == 4 * 3600


@pytest.mark.parametrize(
    "subject", ["*", "repo:*", "repo:shop/*", "repo:shop/flights*:ref:x", "repo:*:ref:refs/heads/main"]
)
def test_no_token_of_an_unnamed_repository_is_trusted(
    subject: str, plan_aws: Callable[..., Any], place: Callable[..., Any]
) -> None:
    with pytest.raises(ArgsError, match="names no repository"):
        trust(plan_aws, place, federations=[federation([subject])])


def test_a_federation_of_nobody_is_refused(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    with pytest.raises(ArgsError, match="names no subject"):
        trust(plan_aws, place, federations=[federation([])])


def test_subjects_are_written_as_their_systems_do() -> None:
    assert github_subjects("a/b", pull_requests=True) == ["repo:a/b:pull_request"]
    assert gitlab_subjects("group/sub/b", branches=["main"]) == ["project_path:group/sub/b:ref_type:branch:ref:main"]
    assert json.dumps(github_subjects("a/b")) == "[]"


SAY_WHOSE = ("codebuild", "codedeploy", "ecs-tasks", "events", "sagemaker", "scheduler", "states")
"""Services whose documentation shows a trust policy with a condition on the account."""


@pytest.mark.parametrize("service", SAY_WHOSE)
def test_a_service_that_says_for_whom_it_acts_acts_for_this_account_only(
    service: str, plan_aws: Callable[..., Any], place: Callable[..., Any]
) -> None:
    (statement,), _ = trust(plan_aws, place, services=[f"{service}.amazonaws.com"])
    assert statement["Action"] == ["sts:AssumeRole"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


@pytest.mark.parametrize("service", ["lambda", "codepipeline", "ecs"])
def test_a_service_that_does_not_say_for_whom_is_not_asked(
    service: str, plan_aws: Callable[..., Any], place: Callable[..., Any]
) -> None:
    """A condition on what is not said never holds, and a function whose role cannot be assumed is never made."""
    (statement,), _ = trust(plan_aws, place, services=[f"{service}.amazonaws.com"])
    assert statement["Principal"] == {"Service": [f"{service}.amazonaws.com"]}
    assert "Condition" not in statement


def test_services_of_both_kinds_get_a_statement_each(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    statements, _ = trust(plan_aws, place, services=["lambda.amazonaws.com", "events.amazonaws.com"])
    assert [(s["Principal"]["Service"], "Condition" in s) for s in statements] == [
        (["events.amazonaws.com"], True),
        (["lambda.amazonaws.com"], False),
    ]


def test_a_service_that_speaks_only_of_some_is_not_asked_where_it_does_not(
    plan_aws: Callable[..., Any], place: Callable[..., Any]
) -> None:
    (statement,), _ = trust(plan_aws, place, services=["sagemaker.amazonaws.com"], from_any_source=True)
    assert "Condition" not in statement


def test_a_service_may_hand_on_who_acts_through_it(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    (statement,), _ = trust(plan_aws, place, services=["sagemaker.amazonaws.com"], keeps_source_identity=True)
    assert statement["Action"] == ["sts:AssumeRole", "sts:SetSourceIdentity"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_in_a_whole_blueprint_only_services_that_say_for_whom_are_asked() -> None:
    roles = [r for r in filled_plan("aws").resources if r.type == "aws:iam/role:Role" and r.scope in ("shared", "dev")]
    free = {
        role.name.removesuffix("-role")
        for role in roles
        for statement in json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        if "Service" in statement["Principal"] and "Condition" not in statement
    }
    assert free == {
        "experiment-tracking-tracking",
        "feature-store-features",
        "pipeline-delivery-cd",
        "continuous-integration-ci",
    }
