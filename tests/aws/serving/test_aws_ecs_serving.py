"""Serving with ECS: services behind one load balancer, whose traffic ECS moves and takes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws.serving.serving_blueprints import STAGES, of_stage, planned, resource
from aws.shapes import check_request

IMAGE = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/flights@sha256:" + "a" * 64
WORKLOAD = {"entry_point": "flight_delay.workload:FlightDelay", "image": IMAGE}
CERTIFICATE = "arn:aws:acm:eu-west-1:111111111111:certificate/a"
NETWORK = {
    "mode": "adopt",
    "vpc_id": "vpc-0a1b2c3d4e5f60718",
    "subnet_ids": ["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"],
    "security_group_id": "sg-0a1b2c3d4e5f60718",
}
NAME = "serving-flight_delay"


def ecs_plan(model: dict[str, Any] | None = None, **serving: Any) -> Any:
    chosen = {"engine": "ecs", "certificate": CERTIFICATE, **serving}
    stages = {**STAGES, "foundation": {"network": NETWORK}, "serving": chosen}
    return planned(stages=stages, workload=WORKLOAD, models={"flight_delay": model or {}})


def statements(scope: Any, name: str) -> list[dict[str, Any]]:
    return list(json.loads(resource(scope, name).inputs["policy"])["Statement"])


def test_a_release_is_a_service_behind_a_private_balancer() -> None:
    scope = ecs_plan({"realtime": {"compute": {"cpu": 2, "memory_gb": 8}}}, callers=["10.1.0.0/16"])
    task = resource(scope, f"{NAME}-task").inputs
    asked = {
        "family": task["family"],
        "cpu": task["cpu"],
        "memory": task["memory"],
        "networkMode": task["networkMode"],
        "requiresCompatibilities": task["requiresCompatibilities"],
        "containerDefinitions": json.loads(task["containerDefinitions"]),
    }
    assert check_request("ecs", "RegisterTaskDefinition", asked) == []
    assert (task["cpu"], task["memory"]) == ("2048", "8192")
    (container,) = asked["containerDefinitions"]
    assert (container["image"], container["command"]) == (IMAGE, ["serve"])
    balancer = resource(scope, "serving-balancer").inputs
    assert balancer["internal"] is True
    listener = resource(scope, "serving-listener").inputs
    assert (listener["protocol"], listener["certificateArn"]) == ("HTTPS", CERTIFICATE)
    rule = resource(scope, f"{NAME}-rule").inputs
    assert rule["conditions"][0]["pathPattern"]["values"] == ["/flight_delay/*"]
    rewrite = rule["transforms"][0]["urlRewriteConfig"]["rewrite"]
    assert rewrite == {"regex": "^/flight_delay/(.*)$", "replace": "/$1"}
    service = resource(scope, f"{NAME}-service").inputs
    assert service["networkConfiguration"]["assignPublicIp"] is False
    assert service["deploymentConfiguration"]["strategy"] == "ROLLING"
    assert service["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    settings = json.loads(resource(scope, f"{NAME}-settings").inputs["content"])
    assert settings["capture"]["at_once"] is False
    assert "advancedConfiguration" not in service["loadBalancers"][0]


ROLLBACK = {"error_rate_percent": 1, "latency_p99_ms": 800}


@pytest.mark.parametrize(
    ("rollout", "expected"),
    [
        ({"strategy": "blue_green", "bake_minutes": 20}, {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "20"}),
        (
            {"strategy": "canary", "steps_percent": [5], "bake_minutes": 7},
            {
                "strategy": "CANARY",
                "canaryConfiguration": {"canaryPercent": 5, "canaryBakeTimeInMinutes": "7"},
            },
        ),
        (
            {"strategy": "canary", "steps_percent": [25, 50, 75, 100]},
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 25, "stepBakeTimeInMinutes": "10"}},
        ),
    ],
    ids=["blue green", "canary", "linear"],
)
def test_ecs_moves_traffic_and_takes_it_back(rollout: dict[str, Any], expected: dict[str, Any]) -> None:
    scope = ecs_plan({"rollout": {**rollout, "rollback": ROLLBACK}})
    service = resource(scope, f"{NAME}-service").inputs
    assert service["deploymentConfiguration"] == expected
    assert "alternateTargetGroupArn" in service["loadBalancers"][0]["advancedConfiguration"]
    assert service["alarms"]["rollback"] is True
    assert len(service["alarms"]["alarmNames"]) == 4
    assert resource(scope, f"{NAME}-rule").options["ignoreChanges"] == ["actions"]
    moved = [s for s in statements(scope, "serving-traffic-policy") if "elasticloadbalancing:ModifyRule" in s["Action"]]
    assert all("/app/flights-dev/" in arn for arn in moved[0]["Resource"])


def test_copies_follow_requests_or_processors() -> None:
    asked = {"realtime": {"autoscaling": {"minimum": 2, "maximum": 5, "requests_per_minute": 300}}}
    policy = resource(ecs_plan(asked), f"{NAME}-scaling-load").inputs["targetTrackingScalingPolicyConfiguration"]
    assert policy["targetValue"] == 300
    assert policy["predefinedMetricSpecification"]["predefinedMetricType"] == "ALBRequestCountPerTarget"
    plain = {"realtime": {"autoscaling": {"minimum": 2, "maximum": 5}}}
    scope = ecs_plan(plain, scale_at_cpu_percent=70)
    policy = resource(scope, f"{NAME}-scaling-load").inputs["targetTrackingScalingPolicyConfiguration"]
    assert policy["targetValue"] == 70
    assert resource(scope, f"{NAME}-service").options["ignoreChanges"] == ["desiredCount"]


def test_without_an_image_there_is_no_service() -> None:
    stages = {**STAGES, "foundation": {"network": NETWORK}, "serving": {"engine": "ecs", "certificate": CERTIFICATE}}
    scope = planned(stages=stages)
    assert of_stage(scope) == {}
    assert scope.outputs["serving"]["endpoints"] == {}


def test_the_server_may_read_its_model_and_no_registry_besides() -> None:
    scope = ecs_plan()
    allowed = {a for s in statements(scope, "serving-serving-policy") for a in s["Action"]}
    assert "sagemaker:DescribeModelPackage" in allowed
    assert not [action for action in allowed if action.startswith(("ecr:", "logs:", "ec2:"))]
    started = {a for s in statements(scope, "serving-launch-policy") for a in s["Action"]}
    assert {"ecr:BatchGetImage", "logs:PutLogEvents"} <= started
