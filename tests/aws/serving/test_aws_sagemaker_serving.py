"""Serving with SageMaker: what is made for a release, and what AWS's own models say of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from aws.shapes import check_request

from mlops_components.args import ArgsError
from mlops_components.serving.sagemaker import SageMakerServing
from mlops_components.serving.sagemaker_batch import EXECUTION, TIME, failure_pattern

pytest_plugins = ["components.aws_plans"]

Plans = Callable[..., Any]
PACKAGE = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/shop-shared-delay"
ROLE = "arn:aws:iam::111122223333:role/shop-dev-serving"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/a"
TOPIC = "arn:aws:sns:eu-central-1:111122223333:failure"


def version(number: str = "3", **settings: Any) -> dict[str, Any]:
    text = json.dumps({"version": number, **settings}, sort_keys=True)
    return {"version": number, "model_package_arn": f"{PACKAGE}/{number}", "settings": text}


def served(number: str = "3", **more: Any) -> dict[str, Any]:
    return {"released": version(number), "instance_type": "ml.m5.large", **more}


def serving(plan_aws: Plans, place: Plans, models: dict[str, Any] | None = None, **more: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        args: Any = {
            "placement": place(),
            "role_arn": ROLE,
            "settings_bucket": "shop-dev-artifacts",
            "models": {"delay": served()} if models is None else models,
            **more,
        }
        made = SageMakerServing("serving", args, options)
        return {output: getattr(made, output) for output in SageMakerServing.__annotations__}

    return plan_aws(build)


def pascal(value: Any) -> Any:
    """The inputs of a resource as the request's members: the first letters in capitals, numbers as numbers."""
    special = {"memorySizeInMb": "MemorySizeInMB", "volumeSizeInGb": "VolumeSizeInGB"}
    if isinstance(value, dict):
        return {special.get(key, key[0].upper() + key[1:]): pascal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pascal(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def configuration(plan: Any, name: str = "serving-delay-configuration") -> dict[str, Any]:
    inputs = dict(plan.resource(name).inputs)
    renamed = {
        "name": "EndpointConfigName",
        "productionVariants": "ProductionVariants",
        "shadowProductionVariants": "ShadowProductionVariants",
        "kmsKeyArn": "KmsKeyId",
        "dataCaptureConfig": "DataCaptureConfig",
        "asyncInferenceConfig": "AsyncInferenceConfig",
    }
    return {renamed[key]: pascal(value) for key, value in inputs.items() if key in renamed}


def deployment(plan: Any) -> dict[str, Any]:
    """The endpoint as a request to update it, without what only creating one takes."""
    inputs = plan.resource("serving-delay-endpoint").inputs
    asked = {"EndpointName": inputs["name"], "EndpointConfigName": inputs["endpointConfigName"]}
    if inputs.get("deploymentConfig"):
        asked["DeploymentConfig"] = pascal(inputs["deploymentConfig"])
    return asked


def test_a_release_is_a_model_a_configuration_and_an_endpoint(plan_aws: Plans, place: Plans) -> None:
    plan = serving(plan_aws, place, key_arn=KEY)
    assert plan.types() == {
        "serving-delay-settings": "BucketObjectv2",
        "serving-delay-model": "Model",
        "serving-delay-configuration": "EndpointConfiguration",
        "serving-delay-logs": "LogGroup",
        "serving-delay-endpoint": "Endpoint",
    }
    assert check_request("sagemaker", "CreateEndpointConfig", configuration(plan)) == []
    assert check_request("sagemaker", "UpdateEndpoint", deployment(plan)) == []
    assert plan.outputs["endpoint_names"] == plan.outputs["endpoints"] == {"delay": "shop-dev-delay"}
    assert plan.outputs["versions"] == {"delay": "3"}
    assert plan.outputs["variant_names"] == {"delay": "released"}
    assert plan.resource("serving-delay-endpoint").inputs["name"] == "shop-dev-delay"
    assert plan.resource("serving-delay-logs").inputs["name"] == "/aws/sagemaker/Endpoints/shop-dev-delay"


def test_the_server_is_told_where_its_settings_are(plan_aws: Plans, place: Plans) -> None:
    plan = serving(plan_aws, place)
    stored = plan.resource("serving-delay-settings").inputs
    (container,) = plan.resource("serving-delay-model").inputs["containers"]
    assert container["modelPackageName"] == f"{PACKAGE}/3"
    assert container["environment"] == {"MLOPS_STACKS_SERVER_SETTINGS": f"s3://shop-dev-artifacts/{stored['key']}"}
    assert stored["key"].startswith("serving/delay/3-")
    assert json.loads(stored["content"]) == {"version": "3"}


@pytest.mark.parametrize(
    "changed",
    [served("4"), {**served(), "released": version(workers=2)}, {**served(), "instance_type": "ml.m5.xlarge"}],
    ids=["release", "settings", "machine"],
)
def test_another_release_gets_new_names_below_the_same_endpoint(
    changed: dict[str, Any], plan_aws: Plans, place: Plans
) -> None:
    first, second = serving(plan_aws, place), serving(plan_aws, place, {"delay": changed})
    name = "serving-delay-configuration"
    assert first.resource(name).inputs["name"] != second.resource(name).inputs["name"]
    assert first.resource(name).urn == second.resource(name).urn
    endpoints = [plan.resource("serving-delay-endpoint") for plan in (first, second)]
    assert endpoints[0].inputs["name"] == endpoints[1].inputs["name"]


def test_without_a_release_nothing_is_made(plan_aws: Plans, place: Plans) -> None:
    plan = serving(plan_aws, place, {})
    assert plan.types() == {}
    assert plan.outputs["endpoints"] == {}


ROLLBACK = {"error_rate_percent": 2.0, "latency_p99_ms": 500.0}


@pytest.mark.parametrize(
    ("rollout", "routing", "limit"),
    [
        (
            {"strategy": "canary", "steps_percent": [20.0], "bake_minutes": 15},
            {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20}, "WaitIntervalInSeconds": 900},
            2 * 900 + 3600,
        ),
        (
            {"strategy": "canary"},
            {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10}, "WaitIntervalInSeconds": 600},
            2 * 600 + 3600,
        ),
        (
            {"strategy": "canary", "steps_percent": [25.0, 50.0, 75.0, 100.0], "bake_minutes": 5},
            {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                "WaitIntervalInSeconds": 300,
            },
            4 * 300 + 3600,
        ),
        (
            {"strategy": "blue_green", "bake_minutes": 10},
            {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600},
            600 + 3600,
        ),
    ],
    ids=["canary", "canary by default", "linear", "blue green"],
)
def test_a_rollout_is_a_traffic_shift_that_alarms_undo(
    rollout: dict[str, Any], routing: dict[str, Any], limit: int, plan_aws: Plans, place: Plans
) -> None:
    model = served(rollout={**rollout, "rollback": ROLLBACK}, keep_old_minutes=0)
    plan = serving(plan_aws, place, {"delay": model})
    asked = deployment(plan)
    assert check_request("sagemaker", "UpdateEndpoint", asked) == []
    policy = asked["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == routing
    assert policy["MaximumExecutionTimeoutInSeconds"] == limit
    alarms = [plan.resource(f"serving-delay-rollback-{kind}").inputs for kind in ("errors", "latency")]
    names = [alarm["AlarmName"] for alarm in asked["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]]
    assert len(names) == 2
    assert [(a["metricName"], a["threshold"]) for a in alarms] == [
        ("Invocation5XXErrors", 0.02),
        ("ModelLatency", 500_000),
    ]
    assert {a["dimensions"]["EndpointName"] for a in alarms} == {"shop-dev-delay"}


def test_copies_are_replaced_in_batches(plan_aws: Plans, place: Plans) -> None:
    plan = serving(plan_aws, place, {"delay": served(rolling_percent=25)})
    asked = deployment(plan)
    assert check_request("sagemaker", "UpdateEndpoint", asked) == []
    assert asked["DeploymentConfig"]["RollingUpdatePolicy"]["MaximumBatchSize"] == {
        "Type": "CAPACITY_PERCENT",
        "Value": 25,
    }


def test_a_shadow_gets_copies_of_requests(plan_aws: Plans, place: Plans) -> None:
    model = served(challenger=version("4"), rollout={"strategy": "shadow", "steps_percent": [30.0]})
    asked = configuration(serving(plan_aws, place, {"delay": model}))
    assert check_request("sagemaker", "CreateEndpointConfig", asked) == []
    (released,), (shadow,) = asked["ProductionVariants"], asked["ShadowProductionVariants"]
    assert (released["VariantName"], released["InitialVariantWeight"]) == ("released", 100)
    assert (shadow["VariantName"], shadow["InitialVariantWeight"]) == ("challenger", 30)


def test_two_versions_share_the_traffic(plan_aws: Plans, place: Plans) -> None:
    rollout = {"strategy": "ab", "steps_percent": [20.0], "rollback": ROLLBACK}
    plan = serving(plan_aws, place, {"delay": served(challenger=version("4"), rollout=rollout)})
    asked = configuration(plan)
    assert check_request("sagemaker", "CreateEndpointConfig", asked) == []
    weights = {v["VariantName"]: v["InitialVariantWeight"] for v in asked["ProductionVariants"]}
    assert weights == {"released": 80, "challenger": 20}
    assert len({v["ModelName"] for v in asked["ProductionVariants"]}) == 2
    alarms = deployment(plan)["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert len(alarms) == 4


def test_captured_requests_and_volumes_are_encrypted_by_our_key(plan_aws: Plans, place: Plans) -> None:
    capture = {"uri": "s3://shop-dev-capture/delay", "sample_percent": 12.4}
    asked = configuration(serving(plan_aws, place, {"delay": served(capture=capture)}, key_arn=KEY))
    assert check_request("sagemaker", "CreateEndpointConfig", asked) == []
    assert asked["KmsKeyId"] == KEY
    assert asked["DataCaptureConfig"]["KmsKeyId"] == KEY
    assert asked["DataCaptureConfig"]["InitialSamplingPercentage"] == 12
    assert [o["CaptureMode"] for o in asked["DataCaptureConfig"]["CaptureOptions"]] == ["Input", "Output"]


def test_machines_are_in_the_network(plan_aws: Plans, place: Plans) -> None:
    network = {"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]}
    plan = serving(plan_aws, place, network=network)
    assert plan.resource("serving-delay-model").inputs["vpcConfig"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroupIds": ["sg-1"],
    }


def test_a_serverless_endpoint(plan_aws: Plans, place: Plans) -> None:
    model = {
        "released": version(),
        "mode": "serverless",
        "serverless": {"memory_mb": 3072, "concurrency": 7, "provisioned": 2},
        "rollout": {"strategy": "all_at_once"},
    }
    network = {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    plan = serving(plan_aws, place, {"delay": model}, key_arn=KEY, network=network)
    asked = configuration(plan)
    assert check_request("sagemaker", "CreateEndpointConfig", asked) == []
    (variant,) = asked["ProductionVariants"]
    assert "InstanceType" not in variant
    assert "KmsKeyId" not in asked
    assert plan.resource("serving-delay-model").inputs.get("vpcConfig") is None


def test_an_asynchronous_endpoint_sleeps_and_wakes(plan_aws: Plans, place: Plans) -> None:
    answers = {
        "output": "s3://shop-dev-data/asynchronous/delay",
        "failures": "s3://shop-dev-data/asynchronous/delay-failed",
        "concurrent_per_copy": 4,
        "error_topic_arn": TOPIC,
    }
    scaling = {"minimum": 0, "maximum": 3, "requests_per_minute": 20.0}
    model = served(mode="asynchronous", asynchronous=answers, scaling=scaling)
    plan = serving(plan_aws, place, {"delay": model}, key_arn=KEY)
    asked = configuration(plan)
    # botocore's pattern of these URIs lets only one character stand before the first slash, which no bucket has.
    found = [each for each in check_request("sagemaker", "CreateEndpointConfig", asked) if "s3://" not in each]
    assert found == []
    assert asked["AsyncInferenceConfig"]["OutputConfig"]["NotificationConfig"] == {"ErrorTopic": TOPIC}
    target = plan.resource("serving-delay-released-scaling").inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (0, 3)
    assert plan.resource("serving-delay-released-scaling-waiting").inputs["metricName"] == "HasBacklogWithoutCapacity"
    assert asked["ProductionVariants"][0]["InitialInstanceCount"] == 1


def test_copies_follow_the_load(plan_aws: Plans, place: Plans) -> None:
    scaling = {"minimum": 2, "maximum": 6, "requests_per_minute": 120.0}
    plan = serving(plan_aws, place, {"delay": served(scaling=scaling)})
    policy = plan.resource("serving-delay-released-scaling-load").inputs
    tracked = policy["targetTrackingScalingPolicyConfiguration"]
    assert tracked["targetValue"] == 120
    metric = tracked["predefinedMetricSpecification"]["predefinedMetricType"]
    assert metric == "SageMakerVariantInvocationsPerInstance"
    target = plan.resource("serving-delay-released-scaling").inputs
    shape = {
        "ServiceNamespace": target["serviceNamespace"],
        "ResourceId": "endpoint/shop-dev-delay/variant/released",
        "ScalableDimension": target["scalableDimension"],
        "MinCapacity": 2,
        "MaxCapacity": 6,
    }
    assert check_request("application-autoscaling", "RegisterScalableTarget", shape) == []


def batch(**more: Any) -> dict[str, Any]:
    return {
        "schedule": {"cron": "0 3 * * 1", "timezone": "Europe/Berlin"},
        "input": "s3://shop-dev-data/in",
        "output": "s3://shop-dev-data/out",
        "instance_type": "ml.m5.xlarge",
        "machines": 2,
        "schedule_role_arn": ROLE,
        **more,
    }


def test_a_batch_is_a_transform_job_that_the_scheduler_starts(plan_aws: Plans, place: Plans) -> None:
    model = served(realtime=False, batch=batch(failure_topic_arn=TOPIC))
    plan = serving(plan_aws, place, {"delay": model}, key_arn=KEY)
    assert "Endpoint" not in plan.types().values()
    schedule = plan.resource("serving-delay-batch-schedule").inputs
    assert schedule["scheduleExpression"] == "cron(0 3 ? * MON *)"
    assert schedule["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["target"]["arn"] == "arn:aws:scheduler:::aws-sdk:sagemaker:createTransformJob"
    written = schedule["target"]["input"]
    started = json.loads(written.replace(EXECUTION, "d32c5kdd-cf5b-b8c3-0000-0123456789ab").replace(TIME, "2026-01-01"))
    assert check_request("sagemaker", "CreateTransformJob", started) == []
    assert started["TransformOutput"]["S3OutputPath"] == "s3://shop-dev-data/out/2026-01-01"
    assert started["TransformInput"]["ContentType"] == "application/jsonlines"
    assert started["TransformResources"]["VolumeKmsKeyId"] == KEY
    pattern = json.loads(plan.resource("serving-delay-batch-failed").inputs["eventPattern"])
    assert pattern == failure_pattern("shop-dev-delay")


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({**served(), "released": version("")}, "has no version"),
        (served(challenger=version("4")), "a challenger, which a rollout 'all_at_once' has no use for"),
        (served(rollout={"strategy": "shadow"}), "needs 'challenger' for the rollout 'shadow'"),
        ({"released": version(), "mode": "serverless"}, "needs 'serverless' for the mode 'serverless'"),
        ({"released": version()}, "needs 'instance_type'"),
        (
            served(mode="asynchronous", asynchronous={"output": "a", "failures": "b"}, capture={"uri": "c"}),
            "'models\\['delay'\\].capture.sample_percent' is missing",
        ),
        (served(scaling={"minimum": 0, "maximum": 1}), "only the mode 'asynchronous' can do"),
        (served(realtime=False), "has neither an endpoint nor a batch"),
        (served(rollout={"strategy": "canary", "steps_percent": [10.0, 70.0]}), "in equal ones"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    model: dict[str, Any], sentence: str, plan_aws: Plans, place: Plans
) -> None:
    with pytest.raises(ArgsError, match=sentence):
        serving(plan_aws, place, {"delay": model})


def test_thousands_of_models_have_names_of_their_own(plan_aws: Plans, place: Plans) -> None:
    plan = serving(plan_aws, place, {f"m_{number}": served() for number in range(100)})
    names = [r.inputs["name"] for r in plan.custom() if r.type.endswith(":Endpoint")]
    assert len(set(names)) == 100
