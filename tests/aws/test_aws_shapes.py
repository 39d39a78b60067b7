"""The proofs hold requests against AWS's models: these show that what breaks a model is noticed."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ParamValidationError
from shapes import _compiled, check_request, check_shape

ROLE = "arn:aws:iam::123456789012:role/r"
GOOD: dict[str, Any] = {
    "PipelineName": "flights",
    "PipelineDefinition": "{}",
    "ClientRequestToken": "a" * 32,
    "RoleArn": ROLE,
}


def test_a_right_request_is_right() -> None:
    assert check_request("sagemaker", "CreatePipeline", GOOD) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"PipelineName": "under_score"}, "does not match"),
        ({"PipelineName": "a" * 257}, "at most 256"),
        ({"RoleArn": "arn:aws:iam::12:role/r"}, "does not match"),
        ({"RoleArn": None}, "not of type string"),
        ({"Nonsense": 1}, "Nonsense is unknown"),
        ({"ParallelismConfiguration": {"MaxParallelExecutionSteps": 0}}, "at least 1"),
        ({"ParallelismConfiguration": {"MaxParallelExecutionSteps": True}}, "not of type integer"),
        ({"ParallelismConfiguration": []}, "not an object"),
        ({"Tags": [{"Key": "a", "Value": "b"}] * 51}, "at most 50"),
        ({"Tags": {"a": "b"}}, "not a list"),
        ({"Tags": [{"Key": "tab\there", "Value": "b"}]}, "does not match"),
    ],
)
def test_a_wrong_request_is_told(change: dict[str, Any], said: str) -> None:
    found = check_request("sagemaker", "CreatePipeline", GOOD | change)
    assert len([sentence for sentence in found if said in sentence]) == 1, found


def test_a_missing_member_is_told_unless_given_later() -> None:
    request = {"PipelineDefinition": "{}", "ClientRequestToken": "a" * 32, "RoleArn": ROLE}
    assert check_request("sagemaker", "CreatePipeline", request) == ["CreatePipeline: PipelineName is missing"]
    assert check_request("sagemaker", "CreatePipeline", request, given_later={"PipelineName"}) == []


def test_references_stand_for_values_only_where_they_may() -> None:
    request = GOOD | {"RoleArn": {"Get": "Parameters.Role"}}
    assert check_request("sagemaker", "CreatePipeline", request, references=True) == []
    assert len(check_request("sagemaker", "CreatePipeline", request)) == 1


def test_a_choice_is_a_choice_and_a_token_is_a_string() -> None:
    assert check_shape("sagemaker", "ProcessingInstanceType", "ml.m5.large") == []
    assert "is none of" in check_shape("sagemaker", "ProcessingInstanceType", "ml.m5.larg")[0]
    assert check_shape("sagemaker", "RoleArn", "${urn:pulumi:x#arn}") == []


def test_what_botocore_refuses_is_refused_here() -> None:
    client = boto3.client("sagemaker", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none")
    for change in ({"Nonsense": 1}, {"PipelineName": 3}, {"Tags": "a"}, {"ParallelismConfiguration": {"X": 1}}):
        assert check_request("sagemaker", "CreatePipeline", GOOD | change)
        with pytest.raises(ParamValidationError):
            client.create_pipeline(**GOOD | change)


@pytest.mark.parametrize("service", ["sagemaker", "iam", "events", "scheduler", "glue", "codebuild", "budgets"])
def test_every_pattern_of_a_model_can_be_read(service: str) -> None:
    model = botocore.session.Session().get_service_model(service)
    for name in model.shape_names:
        pattern = model.shape_for(name).metadata.get("pattern")
        if pattern:
            _compiled(pattern)
