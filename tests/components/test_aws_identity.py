"""Identities: one role for one purpose, usable only when its permissions are there."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from mlops_components.args import ArgsError
from mlops_components.grants import GrantError, aws_grant
from mlops_components.identity.aws import AwsIdentity, AwsIdentityArgs

pytest_plugins = ["aws_plans"]

READ = aws_grant(["s3:GetObject"], ["arn:aws:s3:::bucket/*"])


def args(place: Callable[..., Any], **more: Any) -> AwsIdentityArgs:
    given: dict[str, Any] = {
        "placement": place(owner="team"),
        "purpose": "training",
        "on_behalf_of": "training_pipeline",
        "services": ["sagemaker.amazonaws.com"],
        "grants": [READ],
        **more,
    }
    return given  # type: ignore[return-value]


def test_what_takes_the_role_waits_for_its_policy(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    def build(options: pulumi.ResourceOptions) -> None:
        identity = AwsIdentity("training", args(place), options)
        # Stands for anything that runs as the role.
        aws.sagemaker.Pipeline(
            "user",
            pipeline_name="user",
            pipeline_display_name="user",
            pipeline_definition="{}",
            role_arn=identity.role_arn,
            opts=options,
        )

    plan = plan_aws(build)
    waits_for = plan.resource("user").property_dependencies["roleArn"]
    assert set(waits_for) == {plan.resource("training-role").urn, plan.resource("training-policy").urn}
    assert plan.resource("user").inputs["roleArn"] == plan.token("training-role")


def test_role_and_policy_are_all_there_is(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    boundary = "arn:aws:iam::111122223333:policy/boundary"
    plan = plan_aws(
        lambda options: AwsIdentity("training", args(place, permission_boundary=boundary), options) and None
    )
    assert plan.types() == {"training-role": "Role", "training-policy": "RolePolicy"}
    role = plan.resource("training-role")
    assert (role.stage, role.platform) == ("training_pipeline", "aws")
    assert role.inputs["name"] == "shop-dev-training"
    assert role.inputs["permissionsBoundary"] == boundary
    assert role.inputs["tags"]["stage"] == "training_pipeline"
    assert role.inputs["tags"]["owner"] == "team"
    assert plan.document("training-role", "assumeRolePolicy")["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": ["sagemaker.amazonaws.com"]},
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        }
    ]
    assert plan.document("training-policy")["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::bucket/*"]}
    ]


def test_without_grants_there_is_no_policy(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    plan = plan_aws(lambda options: {"role": AwsIdentity("training", args(place, grants=[]), options).role_arn})
    assert plan.types() == {"training-role": "Role"}
    assert plan.outputs["role"] == plan.token("training-role")


@pytest.mark.parametrize(
    ("more", "error", "sentence"),
    [
        ({"grants": [{"actions": ["s3:*"], "resources": ["arn:aws:s3:::b"]}]}, GrantError, "the action 's3:\\*'"),
        ({"grants": [{"action": ["s3:GetObject"]}]}, ArgsError, "'grants\\[0\\].action' .* did you mean 'actions'"),
        ({"services": []}, ArgsError, "nobody could assume the role"),
    ],
)
def test_what_is_wrong_is_refused_in_words(
    more: Any, error: type[Exception], sentence: str, plan_aws: Callable[..., Any], place: Callable[..., Any]
) -> None:
    with pytest.raises(error, match=sentence):
        plan_aws(lambda options: AwsIdentity("training", args(place, **more), options) and None)
