"""Serving with Lambda: functions, their addresses, and a canary that CodeDeploy carries out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws.serving.serving_blueprints import document, of_stage, planned, resource
from aws.shapes import check_request
from projects import project_of

from mlops_components.serving.lambda_shift import _CODE, routing
from mlops_stacks.operations.planning import plan

IMAGE = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/flights@sha256:" + "a" * 64
WORKLOAD = {"entry_point": "flight_delay.workload:FlightDelay", "image": IMAGE}
NAME = "serving-flight_delay"


def lambda_plan(model: dict[str, Any] | None = None, **serving: Any) -> Any:
    return planned({"engine": "lambda", **serving}, workload=WORKLOAD, models={"flight_delay": model or {}})


def statements(scope: Any, name: str) -> list[dict[str, Any]]:
    return list(json.loads(resource(scope, name).inputs["policy"])["Statement"])


def test_a_release_is_a_function_with_an_address_that_takes_signed_calls() -> None:
    scope = lambda_plan({"realtime": {"compute": {"memory_gb": 3}}}, callers=["arn:aws:iam::222222222222:role/shop"])
    function = resource(scope, f"{NAME}-function").inputs
    asked = {
        "FunctionName": function["name"],
        "PackageType": function["packageType"],
        "Code": {"ImageUri": function["imageUri"]},
        "Role": "arn:aws:iam::111111111111:role/r",
        "MemorySize": int(function["memorySize"]),
        "Timeout": int(function["timeout"]),
        "EphemeralStorage": {"Size": int(function["ephemeralStorage"]["size"])},
        "ImageConfig": {
            "EntryPoint": function["imageConfig"]["entryPoints"],
            "Command": function["imageConfig"]["commands"],
        },
        "Publish": function["publish"],
    }
    assert check_request("lambda", "CreateFunction", asked) == []
    assert function["memorySize"] == 3072
    assert resource(scope, f"{NAME}-url").inputs["authorizationType"] == "AWS_IAM"
    assert resource(scope, f"{NAME}-alias").inputs["name"] == "live"
    permissions = [resource(scope, f"{NAME}-caller-0{which}").inputs["action"] for which in ("-url", "")]
    assert permissions == ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
    settings = json.loads(resource(scope, f"{NAME}-settings").inputs["content"])
    assert settings["model_uri"].endswith("/3")
    assert settings["capture"]["at_once"] is True


def test_another_release_is_another_version_of_the_function() -> None:
    first = resource(lambda_plan(), f"{NAME}-function").inputs["environment"]
    scope = planned({"engine": "lambda"}, {"dev": {"flight_delay": "4"}}, workload=WORKLOAD)
    assert first != resource(scope, f"{NAME}-function").inputs["environment"]


def test_without_an_image_there_is_no_function() -> None:
    scope = planned({"engine": "lambda"})
    assert of_stage(scope) == {}
    assert scope.outputs["serving"]["endpoints"] == {}


def test_a_canary_is_a_deployment_that_alarms_take_back() -> None:
    rollback = {"error_rate_percent": 1, "latency_p99_ms": 800}
    rollout = {"strategy": "canary", "steps_percent": [20], "bake_minutes": 15, "rollback": rollback}
    scope = lambda_plan({"rollout": rollout})
    config = resource(scope, f"{NAME}-deployment-config").inputs
    asked = {
        "deploymentConfigName": config["deploymentConfigName"],
        "computePlatform": config["computePlatform"],
        "trafficRoutingConfig": {
            "type": "TimeBasedCanary",
            "timeBasedCanary": {"canaryPercentage": 20, "canaryInterval": 15},
        },
    }
    assert check_request("codedeploy", "CreateDeploymentConfig", asked) == []
    assert config["trafficRoutingConfig"]["timeBasedCanary"] == {"percentage": 20, "interval": 15}
    group = resource(scope, f"{NAME}-deployment-group").inputs
    assert group["autoRollbackConfiguration"]["events"] == ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
    assert len(group["alarmConfiguration"]["alarms"]) == 2
    assert resource(scope, f"{NAME}-alias").options["ignoreChanges"] == ["functionVersion", "routingConfig"]
    event = json.loads(resource(scope, f"{NAME}-shift").inputs["input"])
    assert set(event) == {"function", "alias", "version", "group"}
    started = [a for s in statements(scope, "serving-shift-policy") for a in s["Action"] if "CreateDep" in a]
    assert started == ["codedeploy:CreateDeployment"]
    moved = [s for s in statements(scope, "serving-deploy-policy") if "lambda:UpdateAlias" in s["Action"]]
    name = resource(scope, f"{NAME}-function").inputs["name"]
    assert any(arn.endswith(f":function:{name}:*") for arn in moved[0]["Resource"])


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], ("TimeBasedCanary", 10)),
        ([30.0], ("TimeBasedCanary", 30)),
        ([25.0, 50.0, 75.0], ("TimeBasedLinear", 25)),
    ],
)
def test_steps_are_codedeploys(steps: list[float], expected: tuple[str, int]) -> None:
    served: Any = {"rollout": {"strategy": "canary", "steps_percent": steps}}
    made = routing(served)
    assert (made["type"], made["percentage"]) == expected


class Recorder:
    """Clients that note what they are asked, as boto3's would be."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.asked: list[dict[str, Any]] = []

    def client(self, _service: str) -> Recorder:
        return self

    def get_alias(self, **asked: Any) -> Any:
        assert check_request("lambda", "GetAlias", asked) == []
        return {"FunctionVersion": self.version}

    def create_deployment(self, **asked: Any) -> Any:
        assert check_request("codedeploy", "CreateDeployment", asked) == []
        self.asked.append(asked)
        return {"deploymentId": "d-1"}


def test_what_starts_a_rollout_starts_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"function": "f", "alias": "live", "version": "8", "group": "g"}
    monkeypatch.setenv("APPLICATION", "flights-dev")
    for current, expected in (("7", "d-1"), ("8", None)):
        names: dict[str, Any] = {}
        exec(compile(_CODE.read_text(), str(_CODE), "exec"), names)
        recorder = names["boto3"] = Recorder(current)
        assert names["handler"](event, None) == {"deployment": expected}
        revisions = [json.loads(asked["revision"]["appSpecContent"]["content"]) for asked in recorder.asked]
        moved = [revision["Resources"][0]["f"]["Properties"] for revision in revisions]
        assert [(each["CurrentVersion"], each["TargetVersion"]) for each in moved] == [("7", "8")] * bool(expected)


def _repository_statements(engine: str, prod: dict[str, Any]) -> dict[str, Any]:
    given = document({"engine": engine})
    given["environments"]["prod"] |= prod
    made = plan(project_of(given, Path("/project"), {}))
    assert made.errors == (), made.errors
    shared = next(scope for scope in made.scopes if scope.scope == "shared")
    found = json.loads(resource(shared, "foundation-images-policy").inputs["policy"])["Statement"]
    return {statement["Sid"]: statement for statement in found}


def test_lambda_may_fetch_the_image_for_the_environments_that_it_serves_and_no_others() -> None:
    everywhere = _repository_statements("lambda", {})["LambdaRetrieves"]["Condition"]["ArnLike"]["aws:SourceArn"]
    assert everywhere == [f"arn:aws:lambda:eu-west-1:{of}:function:*" for of in ("111111111111", "222222222222")]
    here = _repository_statements("lambda", {"stages": {"serving": {"engine": "sagemaker"}}})["LambdaRetrieves"]
    assert here["Condition"]["ArnLike"]["aws:SourceArn"] == ["arn:aws:lambda:eu-west-1:111111111111:function:*"]
    assert set(_repository_statements("sagemaker", {})) == {"EnvironmentsPull"}
