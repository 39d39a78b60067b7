"""Grants: exactly what is named, merged without loss, rendered the same way every time."""

import asyncio
import itertools
import json
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_components.grants import ONLY_ON_EVERYTHING, AwsGrant, GrantError, aws_grant, policy_document

BUCKET = "arn:aws:s3:::bucket"


def render(grants: list[AwsGrant]) -> list[dict[str, Any]]:
    async def document() -> str:
        text = await policy_document(grants).future()
        assert text is not None
        return text

    statements: list[dict[str, Any]] = json.loads(asyncio.run(document()))["Statement"]
    return statements


@pytest.mark.parametrize(
    ("actions", "resources", "sentence"),
    [
        (["s3:*"], [BUCKET], "the action 's3:*' is not the full name of one action; name each action that is used."),
        (
            ["s3:Get*"],
            [BUCKET],
            "the action 's3:Get*' is not the full name of one action; name each action that is used.",
        ),
        (["*"], [BUCKET], "the action '*' is not the full name of one action; name each action that is used."),
        (
            ["GetObject"],
            [BUCKET],
            "the action 'GetObject' is not the full name of one action; name each action that is used.",
        ),
        (
            ["s3:GetObject", "ecr:GetAuthorizationToken"],
            ["*"],
            "'s3:GetObject' is granted on '*', that is, on everything; name the ARNs that it is used on.",
        ),
        (
            ["s3:GetObject"],
            ["arn:aws:s3:::*"],
            "'s3:GetObject' is granted on 'arn:aws:s3:::*', that is, on everything; name the ARNs that it is used on.",
        ),
        ([], [BUCKET], "a grant needs at least one action and one resource; leave the grant out instead."),
        (["s3:GetObject"], [], "a grant needs at least one action and one resource; leave the grant out instead."),
    ],
)
def test_a_grant_that_is_too_wide_is_refused(actions: list[str], resources: list[str], sentence: str) -> None:
    with pytest.raises(GrantError) as raised:
        aws_grant(actions, resources)
    assert str(raised.value) == sentence


def test_a_grant_made_by_hand_is_checked_as_well() -> None:
    with pytest.raises(GrantError):
        policy_document([{"actions": ["s3:*"], "resources": [BUCKET]}])


def test_an_output_that_turns_out_to_be_everything_is_refused() -> None:
    async def scenario() -> None:
        grant = aws_grant(["s3:GetObject"], [pulumi.Output.from_input("*")])
        with pytest.raises(GrantError):
            await policy_document([grant]).future()

    asyncio.run(scenario())


@pytest.mark.parametrize("action", sorted(ONLY_ON_EVERYTHING))
def test_an_action_that_knows_no_resource_may_be_granted_on_everything(action: str) -> None:
    assert render([aws_grant([action], ["*"])]) == [{"Effect": "Allow", "Action": [action], "Resource": ["*"]}]


def test_grants_on_one_resource_and_grants_of_one_action_are_merged() -> None:
    read = aws_grant(["s3:GetObject"], [f"{BUCKET}/*"])
    assert render(
        [read, read, aws_grant(["s3:PutObject"], [f"{BUCKET}/*"]), aws_grant(["s3:ListBucket"], [BUCKET])]
    ) == [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": [f"{BUCKET}/*"]},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [BUCKET]},
    ]
    assert render([aws_grant(["s3:GetObject"], ["arn:b"]), aws_grant(["s3:GetObject"], ["arn:a"])]) == [
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:a", "arn:b"]}
    ]


def test_a_condition_is_never_lost_in_a_merge() -> None:
    condition = {"StringEquals": {"kms:ViaService": ["s3.eu-central-1.amazonaws.com"]}}
    statements = render([aws_grant(["kms:Decrypt"], ["arn:k"], condition), aws_grant(["kms:Decrypt"], ["arn:k"])])
    assert [statement.get("Condition") for statement in statements] == [condition, None]


ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "kms:Decrypt"])
GRANTS = st.lists(
    st.builds(
        aws_grant,
        st.lists(ACTIONS, min_size=1, max_size=3),
        st.lists(st.sampled_from(["arn:a", "arn:b", "arn:c"]), min_size=1, max_size=3),
        st.sampled_from([None, {"Bool": {"x": ["true"]}}]),
    ),
    max_size=5,
)


def permitted(statements: list[Any], actions: str, resources: str, condition: str) -> set[tuple[str, str, str]]:
    return {
        (action, resource, json.dumps(statement.get(condition) or {}, sort_keys=True))
        for statement in statements
        for action, resource in itertools.product(statement[actions], statement[resources])
    }


@given(GRANTS, st.randoms(use_true_random=False))
def test_merging_gives_exactly_what_was_granted_whatever_the_order(grants: list[AwsGrant], random: Any) -> None:
    shuffled = list(grants)
    random.shuffle(shuffled)
    statements = render(grants)
    assert statements == render(shuffled)
    assert permitted(statements, "Action", "Resource", "Condition") == permitted(
        list(grants), "actions", "resources", "conditions"
    )
