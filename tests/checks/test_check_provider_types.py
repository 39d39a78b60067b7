"""Provider types, on plans of real programs: whatever the SDK lets through is found."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_stacks.checks import provider_types
from mlops_stacks.executors.in_process import StackIdentity
from mlops_stacks.executors.planner import plan_scope
from mlops_stacks.plan import (
    SECRET,
    UNKNOWN,
    Finding,
    ObjectType,
    Plan,
    PlannedResource,
    ScopePlan,
    Severity,
    ValueType,
)


def found(program: Callable[[], Any]) -> list[Finding]:
    identity = StackIdentity("mlops-stacks", "fares-dev", Path(__file__).parent)
    scope = plan_scope(lambda: program() and None, identity, scope="dev", platform="aws", earlier=None)
    return list(provider_types.find(Plan("fares", "aws", "dev", (scope,))))


def only(program: Callable[[], Any]) -> Finding:
    (finding,) = found(program)
    assert finding.urn.startswith("urn:pulumi:fares-dev::")
    return finding


def test_a_correct_program_has_nothing_to_be_said_against_it() -> None:
    def program() -> None:
        provider = aws.Provider(
            "target",
            region="eu-west-1",
            allowed_account_ids=["111111111111"],
            assume_roles=[aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::111111111111:role/deployer")],
            skip_region_validation=True,
        )
        opts = pulumi.ResourceOptions(provider=provider)
        key = aws.kms.Key("key", deletion_window_in_days=7, opts=opts)
        bucket = aws.s3.Bucket("bucket", bucket="fares", force_destroy=True, tags={"a": "b"}, opts=opts)
        by_default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="aws:kms", kms_master_key_id=key.arn
        )
        rule = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
            apply_server_side_encryption_by_default=by_default, bucket_key_enabled=True
        )
        aws.s3.BucketServerSideEncryptionConfiguration("encryption", bucket=bucket.id, rules=[rule], opts=opts)
        policy = pulumi.Output.json_dumps({"Statement": [{"Resource": bucket.arn}]})
        aws.iam.Policy("policy", policy=policy, opts=opts)
        aws.ssm.Parameter("parameter", type="SecureString", value=pulumi.Output.secret("x"), opts=opts)
        aws.s3.BucketObject("object", bucket=bucket, source=pulumi.StringAsset("x"), opts=opts)

    assert found(program) == []


def test_a_misspelt_key_deep_inside_is_found_with_the_right_one() -> None:
    rules: Any = [{"enabled": True, "expiration": {"dayz": 3}}]
    finding = only(lambda: aws.s3.Bucket("bucket", lifecycle_rules=rules))
    assert finding.rule == "unknown-key"
    assert finding.severity is Severity.ERROR
    assert "`lifecycleRules[0].expiration` has the key `dayz`" in finding.message
    assert finding.fix == "did you mean `days`?"


def test_a_missing_key_deep_inside_is_found() -> None:
    rules: Any = [{"expiration": {"days": 3}}]
    finding = only(lambda: aws.s3.Bucket("bucket", lifecycle_rules=rules))
    assert (finding.rule, finding.fix) == ("missing-key", "add `enabled`")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"force_destroy": "yes"}, "`forceDestroy` is the text 'yes' where true or false belongs"),
        ({"bucket": 3}, "`bucket` is 3 where a text belongs"),
        ({"tags": {"owner": 3}}, "`tags['owner']` is 3 where a text belongs"),
        ({"tags": "x"}, "`tags` is the text 'x' where a map belongs"),
        ({"lifecycle_rules": {"enabled": True}}, "`lifecycleRules` is an object where a list belongs"),
        ({"versioning": {"enabled": "true"}}, "`versioning.enabled` is the text 'true' where true or false belongs"),
    ],
)
def test_a_value_of_the_wrong_kind_is_found(arguments: dict[str, Any], said: str) -> None:
    finding = only(lambda: aws.s3.Bucket("bucket", **arguments))
    assert finding.rule == "wrong-type"
    assert said in finding.message


def test_numbers_must_be_whole_where_the_provider_counts() -> None:
    assert only(lambda: aws.kms.Key("key", deletion_window_in_days=7.5)).rule == "wrong-type"  # type: ignore[arg-type]
    assert found(lambda: aws.kms.Key("key", deletion_window_in_days=7)) == []


def test_a_reference_to_a_text_is_no_number() -> None:
    def program() -> None:
        key = aws.kms.Key("key")
        aws.kms.Key("other", deletion_window_in_days=key.arn)  # type: ignore[arg-type]

    assert "a reference to a text where a whole number belongs" in only(program).message


def test_a_value_outside_an_open_list_is_a_warning_and_one_that_is_only_written_differently_an_error() -> None:
    unlisted = only(lambda: aws.s3.Bucket("bucket", acl="publik"))
    assert (unlisted.rule, unlisted.severity) == ("unknown-choice", Severity.WARNING)
    misspelt = only(lambda: aws.s3.Bucket("bucket", acl="PublicRead"))
    assert (misspelt.rule, misspelt.severity) == ("unknown-choice", Severity.ERROR)
    assert misspelt.fix == "did you mean `public-read`?"
    assert found(lambda: aws.s3.Bucket("bucket", acl=aws.s3.CannedAcl.PRIVATE)) == []


def test_a_providers_own_inputs_are_read_from_their_json() -> None:
    finding = only(lambda: aws.Provider("target", allowed_account_ids="111111111111"))  # type: ignore[arg-type]
    assert "`allowedAccountIds` is" in finding.message
    roles: Any = [{"role": "arn:aws:iam::111111111111:role/x"}]
    assert only(lambda: aws.Provider("target", assume_roles=roles)).rule == "unknown-key"


def test_what_exists_already_is_not_judged_by_what_creating_it_takes() -> None:
    assert found(lambda: aws.sagemaker.ModelPackageGroup.get("group", "theirs")) == []


def test_an_object_that_fits_no_alternative_is_reported_for_the_closest() -> None:
    rules: Any = {"rules": [{"rulePriority": "1"}]}
    problems = found(lambda: aws.ecr.LifecyclePolicy("policy", repository="r", policy=rules))
    assert problems
    assert all("`policy.rules[0]" in problem.message for problem in problems)


def hand_made(value: Any, kind: ValueType) -> list[Finding]:
    declared = ObjectType("ThingArgs", {"value": kind})
    thing = PlannedResource(
        "urn:x", "aws:x:Thing", "thing", None, None, "dev", "aws", {"value": value}, input_type=declared
    )
    return list(provider_types.find(Plan("fares", "aws", "dev", (ScopePlan("dev", "fares-dev", (thing,), {}),))))


STACK_TOKEN = "${urn:pulumi:fares-shared::mlops-stacks::pulumi:pulumi:Stack::mlops-stacks-fares-shared#port}"
KINDS = ["string", "number", "integer", "boolean", "object", "list", "map", "any", "asset"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [SECRET, UNKNOWN, STACK_TOKEN])
def test_what_nobody_knows_is_not_judged(value: str, kind: str) -> None:
    assert hand_made(value, ValueType(kind)) == []


def test_a_closed_choice_is_an_error() -> None:
    (finding,) = hand_made("gp4", ValueType("string", choices=("gp2", "gp3")))
    assert (finding.rule, finding.severity) == ("unknown-choice", Severity.ERROR)
    assert hand_made("gp3", ValueType("string", choices=("gp2", "gp3"))) == []


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NESTED = ObjectType("NestedArgs", {"days": ValueType("integer")}, frozenset({"days"}))


@settings(max_examples=200)
@given(PLAIN)
def test_whatever_a_plan_holds_gives_findings_and_no_exception(value: Any) -> None:
    union = ValueType("any", union=(ValueType("string"), ValueType("object", object=lambda: NESTED)))
    kinds = [*map(ValueType, KINDS), ValueType("list", element=union), ValueType("map", element=union), union]
    for kind in kinds:
        for finding in hand_made(value, kind):
            assert finding.message
            assert finding.fix
    assert (hand_made(value, ValueType("string")) == []) == (value is None or isinstance(value, str))
    json.dumps(value)
