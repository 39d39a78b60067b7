"""What the emulator can make of the whole blueprint, made there by boto3 with what the plan renders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from call_accounts import PlannedAccount
from call_recorder import forget_clients
from full_plans import filled_plan
from planned_requests import CALLS, request_of

MADE: Mapping[str, tuple[str, str]] = {
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": ("describe_model_package_group", "ModelPackageGroupName"),
    "aws:sagemaker/featureGroup:FeatureGroup": ("describe_feature_group", "FeatureGroupName"),
    "aws:sagemaker/pipeline:Pipeline": ("describe_pipeline", "PipelineName"),
    "aws:sagemaker/model:Model": ("describe_model", "ModelName"),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": ("describe_endpoint_config", "EndpointConfigName"),
    "aws:sagemaker/endpoint:Endpoint": ("describe_endpoint", "EndpointName"),
    "aws:sagemaker/domain:Domain": ("", ""),
    "aws:sfn/stateMachine:StateMachine": ("", ""),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("", ""),
    "aws:cloudwatch/eventRule:EventRule": ("", ""),
    "aws:scheduler/schedule:Schedule": ("", ""),
    "aws:ecr/repository:Repository": ("", ""),
}
"""Types that the emulator makes -> how it is asked for one again, where that is of the same shape.

Build projects are not among them: it wants a place for sources, which those that a pipeline hands over do not have.
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", MADE)
def test_the_emulator_makes_what_the_plan_says(kind: str, emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_clients()
    account = PlannedAccount(filled_plan("aws"))
    planned = [resource for resource in account.plan.resources if resource.type == kind and resource.scope == "dev"]
    planned = planned or list(account.of_type(kind, "shared"))
    assert planned
    call, (again, name) = CALLS[kind], MADE[kind]
    client = boto3.client(call.service, region_name="eu-west-1")
    if kind.endswith((":EndpointConfiguration", ":Endpoint")):
        _make_first(account, kind, client)
    for resource in planned:
        request = account.plain(request_of(resource))
        getattr(client, client_method(call.operation))(**request)
        if again:
            found = getattr(client, again)(**{name: request[name]})
            assert found[name] == request[name]


def client_method(operation: str) -> str:
    """boto3's name of an operation."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")


def _make_first(account: PlannedAccount, kind: str, client: Any) -> None:
    """An endpoint takes a configuration, and that takes models."""
    earlier = ["aws:sagemaker/model:Model", "aws:sagemaker/endpointConfiguration:EndpointConfiguration"]
    for before in earlier[: 2 if kind.endswith(":Endpoint") else 1]:
        for resource in account.of_type(before, "dev"):
            getattr(client, client_method(CALLS[before].operation))(**account.plain(request_of(resource)))
