"""The recorder and the reading of policies that other tests rely on."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from call_needs import Place, UnknownCallError, needs_of
from call_policies import Need, allows, missing, permissions, unused
from call_recorder import Call, recorded

KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
HERE = Place("123456789012", "eu-central-1", {"sealed": KEY})
VIA = {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}


READ_A = Need("s3:GetObject", "arn:aws:s3:::b/in/a")


def policy(**statement: Any) -> dict[str, Any]:
    usual = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/in/*"]}
    return {"Statement": [usual | statement]}


def reading(value: str) -> Need:
    return Need(READ_A.action, READ_A.resource, {"k": value})


@pytest.mark.parametrize(
    ("document", "need", "allowed"),
    [
        (policy(), Need("s3:GetObject", "arn:aws:s3:::b/in/a/b"), True),
        (policy(), Need("S3:getobject", "arn:aws:s3:::b/in/a"), True),
        (policy(), Need("s3:GetObject", "arn:aws:s3:::b/out/a"), False),
        (policy(), Need("s3:PutObject", "arn:aws:s3:::b/in/a"), False),
        (policy(Resource="arn:aws:s3:::b/in/[a]"), Need("s3:GetObject", "arn:aws:s3:::b/in/[a]"), True),
        (policy(Resource="arn:aws:s3:::b/in/[a]"), Need("s3:GetObject", "arn:aws:s3:::b/in/a"), False),
        (policy(Condition={"StringEquals": {"k": ["v"]}}), Need("s3:GetObject", "arn:aws:s3:::b/in/a"), False),
        (
            policy(Condition={"StringEquals": {"k": ["v"]}}),
            reading("v"),
            True,
        ),
        (
            policy(Condition={"StringLike": {"k": ["v/*"]}}),
            reading("v/1"),
            True,
        ),
        (
            policy(Condition={"StringLike": {"k": ["v/*"]}}),
            reading("w/1"),
            False,
        ),
        (policy(Condition={"Null": {"k": "true"}}), Need("s3:GetObject", "arn:aws:s3:::b/in/a"), True),
        (
            {
                "Statement": [
                    *policy()["Statement"],
                    *policy(Effect="Deny", Resource="arn:aws:s3:::b/in/a*")["Statement"],
                ]
            },
            Need("s3:GetObject", "arn:aws:s3:::b/in/a"),
            False,
        ),
    ],
)
def test_a_policy_is_decided_as_iam_decides_it(document: Any, need: Need, allowed: bool) -> None:
    assert allows(document, need) is allowed


def test_an_unknown_operator_is_not_passed_over() -> None:
    with pytest.raises(AssertionError, match="DateGreaterThan"):
        allows(
            policy(Condition={"DateGreaterThan": {"k": "2026"}}),
            reading("1"),
        )


def test_what_is_missing_and_what_is_too_much() -> None:
    document = policy(Action=["s3:GetObject", "s3:PutObject"])
    needs = [Need("s3:GetObject", "arn:aws:s3:::b/in/a"), Need("s3:DeleteObject", "arn:aws:s3:::b/in/a")]
    assert [need.action for need in missing(document, needs)] == ["s3:DeleteObject"]
    assert [one.action for one in unused(document, needs)] == ["s3:PutObject"]
    assert len(list(permissions(document))) == 2


def test_calls_are_heard_whoever_makes_the_client(emulator: str) -> None:
    import fsspec

    boto3.client("s3").create_bucket(Bucket="sealed", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with recorded() as calls:
        fsspec.filesystem("s3").pipe_file("sealed/run/a", b"1")
        assert fsspec.filesystem("s3").cat_file("sealed/run/a") == b"1"
        boto3.client("s3").list_objects_v2(Bucket="sealed", Prefix="run")
    boto3.client("s3").list_buckets()
    assert [call.operation for call in calls] == ["PutObject", "HeadObject", "GetObject", "ListObjectsV2"]
    assert not any("Body" in call.parameters for call in calls)
    assert needs_of(calls, HERE) == [
        Need("s3:PutObject", "arn:aws:s3:::sealed/run/a"),
        Need("kms:GenerateDataKey", KEY, VIA),
        Need("s3:GetObject", "arn:aws:s3:::sealed/run/a"),
        Need("kms:Decrypt", KEY, VIA),
        Need("s3:ListBucket", "arn:aws:s3:::sealed", {"s3:prefix": "run/a"}),
        Need("s3:ListBucket", "arn:aws:s3:::sealed", {"s3:prefix": "run"}),
    ]


def test_a_call_that_nobody_thought_of_is_not_guessed() -> None:
    with pytest.raises(UnknownCallError, match="DeleteBucket"):
        needs_of([Call("s3", "DeleteBucket", {"Bucket": "b"})], HERE)


def test_an_upload_in_parts_and_a_copy_take_what_s3_says() -> None:
    calls = [
        Call("s3", "UploadPart", {"Bucket": "sealed", "Key": "big"}),
        Call("s3", "CopyObject", {"Bucket": "open", "Key": "copy", "CopySource": {"Bucket": "sealed", "Key": "a"}}),
        Call("s3", "DeleteObjects", {"Bucket": "open", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y"}]}}),
    ]
    assert [str(need) for need in needs_of(calls, Place("1", "eu-central-1", {"sealed": "K"}))] == [
        "s3:PutObject on arn:aws:s3:::sealed/big",
        "kms:GenerateDataKey on K, kms:ViaService=s3.eu-central-1.amazonaws.com",
        "kms:Decrypt on K, kms:ViaService=s3.eu-central-1.amazonaws.com",
        "s3:GetObject on arn:aws:s3:::sealed/a",
        "s3:PutObject on arn:aws:s3:::open/copy",
        "s3:DeleteObject on arn:aws:s3:::open/x",
        "s3:DeleteObject on arn:aws:s3:::open/y",
    ]


def test_resources_are_made_of_what_a_call_was_given() -> None:
    group = HERE.arn("sagemaker", "model-package-group/g")
    calls = [
        Call("sagemaker", "CreateModelPackage", {"ModelPackageGroupName": group}),
        Call("sagemaker", "StartPipelineExecution", {"PipelineName": "p"}),
        Call("sagemaker", "StartPipelineExecution", {"PipelineName": HERE.arn("sagemaker", "pipeline/q")}),
        Call("sts", "GetCallerIdentity", {}),
    ]
    assert [need.resource.split(":", 5)[5] for need in needs_of(calls, HERE)] == [
        "model-package/g/1",
        "model-package-group/g",
        "pipeline/p",
        "pipeline/q",
    ]
