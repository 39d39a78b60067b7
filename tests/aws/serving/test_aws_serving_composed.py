"""Serving on AWS as a blueprint asks for it: what is made, by which release, with which permissions."""

from __future__ import annotations

import json
from typing import Any

from aws.serving.serving_blueprints import of_stage, planned, resource

SERVED = "flight_delay"


def statements(scope: Any, name: str) -> list[dict[str, Any]]:
    return list(json.loads(resource(scope, name).inputs["policy"])["Statement"])


def actions(scope: Any, name: str) -> set[str]:
    return {action for statement in statements(scope, name) for action in statement["Action"]}


def test_a_release_is_served_from_its_model_package() -> None:
    scope = planned()
    model = resource(scope, "serving-flight_delay-model").inputs
    (container,) = model["containers"]
    assert container["modelPackageName"].startswith(
        "arn:aws:sagemaker:eu-west-1:111111111111:model-package/flights-shared-flight-delay-"
    )
    assert container["modelPackageName"].endswith("/3")
    settings = json.loads(resource(scope, "serving-flight_delay-settings").inputs["content"])
    assert (settings["model_uri"], settings["version"], settings["port"]) == ("/opt/ml/model", "3", 8080)
    assert settings["capture"] is None
    configuration = resource(scope, "serving-flight_delay-configuration").inputs
    assert configuration["dataCaptureConfig"]["destinationS3Uri"].endswith("/flight_delay")
    assert scope.outputs["serving"]["versions"] == {SERVED: "3"}


def test_without_a_release_nothing_is_served() -> None:
    scope = planned(releases={})
    assert of_stage(scope) == {}
    assert scope.outputs["serving"]["endpoints"] == {}


def test_another_release_changes_the_endpoint() -> None:
    first, second = planned(), planned(releases={"dev": {SERVED: "4"}})
    name = "serving-flight_delay-endpoint"
    assert resource(first, name).inputs != resource(second, name).inputs
    assert resource(first, name).urn == resource(second, name).urn


def test_the_machines_may_do_what_they_need_and_no_more() -> None:
    scope = planned(models={SERVED: {"rollout": {"strategy": "canary", "rollback": {"error_rate_percent": 1}}}})
    allowed = actions(scope, "serving-serving-policy")
    assert {"s3:GetObject", "ecr:BatchGetImage", "cloudwatch:DescribeAlarms", "logs:PutLogEvents"} <= allowed
    assert not [action for action in allowed if action.startswith("sagemaker:")]
    everything = [s["Action"] for s in statements(scope, "serving-serving-policy") if s["Resource"] == ["*"]]
    assert sorted(action for each in everything for action in each) == [
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
    ]
    alarms = [s for s in statements(scope, "serving-serving-policy") if "cloudwatch:DescribeAlarms" in s["Action"]]
    name = resource(scope, "serving-flight_delay-rollback-errors").inputs["name"]
    assert f"arn:aws:cloudwatch:eu-west-1:111111111111:alarm:{name}" in alarms[0]["Resource"]


def test_a_version_of_another_environment_can_be_read() -> None:
    """What prod serves was trained in dev: its files lie in dev's bucket, under dev's key."""
    read = statements(planned(), "serving-serving-policy")
    others = [s for s in read if any("flights-prod-artifacts" in arn for arn in s["Resource"])]
    assert {action for s in others for action in s["Action"]} == {
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
    }
    (key,) = [s for s in read if s["Resource"] == ["arn:aws:kms:eu-west-1:222222222222:key/*"]]
    assert key["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": ["alias/flights-prod"]}


def test_batch_predictions_alone() -> None:
    batch = {"schedule": {"cron": "0 5 * * *"}, "input": "new", "output": "predicted"}
    scope = planned(models={SERVED: {"realtime": None, "batch": batch}})
    made = of_stage(scope)
    assert "Endpoint" not in made.values()
    assert made["serving-flight_delay-batch-schedule"] == "Schedule"
    assert actions(scope, "serving-batch-policy") == {"sagemaker:CreateTransformJob"}
    written = json.loads(resource(scope, "serving-flight_delay-batch-schedule").inputs["target"]["input"])
    (statement,) = statements(scope, "serving-batch-policy")
    prefix = statement["Resource"][0].rsplit("/", 1)[1].removesuffix("*")
    assert written["TransformJobName"].startswith(prefix)
    assert not written["ModelName"].startswith("$")


def test_a_serverless_endpoint_keeps_its_own_requests() -> None:
    scope = planned({"mode": "serverless"})
    settings = json.loads(resource(scope, "serving-flight_delay-settings").inputs["content"])
    assert settings["capture"]["at_once"] is True
    assert "dataCaptureConfig" not in resource(scope, "serving-flight_delay-configuration").inputs
    assert scope.outputs["serving"]["capture_roots"] == {}


def test_a_model_may_have_a_mode_of_its_own() -> None:
    models = {SERVED: {}, "price": {"realtime": {"autoscaling": {"minimum": 0, "requests_per_minute": 5}}}}
    serving = {"modes": {"price": "asynchronous"}}
    scope = planned(serving, {"dev": {SERVED: "3", "price": "1"}}, models=models)
    assert "asyncInferenceConfig" in resource(scope, "serving-price-configuration").inputs
    assert "asyncInferenceConfig" not in resource(scope, "serving-flight_delay-configuration").inputs
    written = [s for s in statements(scope, "serving-serving-policy") if "s3:PutObject" in s["Action"]]
    assert any("asynchronous/price/" in arn for s in written for arn in s["Resource"])


def test_two_versions_side_by_side() -> None:
    rollout = {"strategy": "ab", "steps_percent": [10]}
    scope = planned({"challengers": {SERVED: 4}}, models={SERVED: {"rollout": rollout}})
    packages = [
        resource(scope, f"serving-flight_delay{which}-model").inputs["containers"][0]["modelPackageName"]
        for which in ("", "-challenger")
    ]
    assert [package.rsplit("/", 1)[1] for package in packages] == ["3", "4"]
