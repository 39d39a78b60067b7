"""What monitoring asks of AWS, held against botocore's models; and its rules, against events as AWS sends them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws.events import alarm_changed, endpoint_changed, passes
from aws.monitoring.test_aws_monitoring_component import EVERYTHING, planned, role, watched
from aws.shapes import TOKEN, check_request

from mlops_components.monitoring import baseline_pipeline, retraining_start, violations

pytest_plugins = ["components.aws_plans"]

Plans = Callable[..., Any]
PIPELINE = "arn:aws:sagemaker:eu-central-1:111122223333:pipeline/shop-dev-delay"


SPELT_OTHERWISE = {"volumeSizeInGb": "VolumeSizeInGB", "okActions": "OKActions"}


def as_request(value: Any) -> Any:
    """Inputs of a provider with the names of the API."""
    if isinstance(value, dict):
        return {_name(key): as_request(item) for key, item in value.items()}
    return [as_request(item) for item in value] if isinstance(value, list) else value


def _name(key: str) -> str:
    return SPELT_OTHERWISE.get(key) or key[0].upper() + key[1:]


def test_the_api_takes_each_job_definition(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)})
    jobs = [r for r in plan.custom() if r.type.startswith("aws-native:")]
    assert len(jobs) == 4
    for job in jobs:
        request = as_request({key: value for key, value in job.inputs.items() if value is not None})
        operation = f"Create{job.type.rsplit(':', 1)[-1]}"
        assert check_request("sagemaker", operation, request) == [], job.name


def test_the_api_takes_each_schedule_and_each_alarm(plan_aws: Plans, place: Plans) -> None:
    limits = {**watched()["limits"], "drift": {"carrier": 0.2}, "drifted_features": 1, "minimum_quality": {"auc": 0.7}}
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING, limits=limits, gpus=1)})
    alarms = [r for r in plan.custom() if r.type.endswith("MetricAlarm")]
    assert {"monitoring-delay-gpu", "monitoring-delay-quality_auc"} <= {alarm.name for alarm in alarms}
    for alarm in alarms:
        assert check_request("cloudwatch", "PutMetricAlarm", _alarm_request(alarm.inputs)) == [], alarm.name
    for schedule in (r for r in plan.custom() if r.type.endswith("MonitoringSchedule")):
        config = schedule.inputs["monitoringScheduleConfig"]
        request = {"MonitoringScheduleName": schedule.inputs["name"], "MonitoringScheduleConfig": as_request(config)}
        assert check_request("sagemaker", "CreateMonitoringSchedule", request) == [], schedule.name


def _alarm_request(inputs: dict[str, Any]) -> dict[str, Any]:
    plain = {_name(key): value for key, value in inputs.items() if value is not None}
    request = {key: value for key, value in plain.items() if key not in {"Name", "Tags", "Dimensions", "MetricQueries"}}
    request["AlarmName"] = inputs["name"]
    if inputs.get("dimensions"):
        request["Dimensions"] = _dimensions(inputs["dimensions"])
    if inputs.get("metricQueries"):
        request["Metrics"] = [_query(query) for query in inputs["metricQueries"]]
    return request


def _query(query: dict[str, Any]) -> dict[str, Any]:
    plain = {k[0].upper() + k[1:]: v for k, v in query.items() if v is not None and k != "metric"}
    if "metric" not in query:
        return plain
    metric = query["metric"]
    measured = {
        "Namespace": metric["namespace"],
        "MetricName": metric["metricName"],
        "Dimensions": _dimensions(metric["dimensions"]),
    }
    return {**plain, "MetricStat": {"Metric": measured, "Period": metric["period"], "Stat": metric["stat"]}}


def _dimensions(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def steps_of(plan: Any) -> Iterator[dict[str, Any]]:
    yield from json.loads(plan.resource("monitoring-delay-baseline").inputs["pipelineDefinition"])["Steps"]


def test_the_api_takes_each_step_of_the_baseline_pipeline(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)})
    steps = list(steps_of(plan))
    assert [step["Name"] for step in steps] == ["reference", "dataquality", "modelquality", "bias", "explainability"]
    for step in steps:
        complaints = check_request(
            "sagemaker", "CreateProcessingJob", step["Arguments"], given_later=["ProcessingJobName"], references=True
        )
        assert complaints == [], step["Name"]
        assert step.get("DependsOn", []) == ([] if step["Name"] == "reference" else ["reference"])


def test_what_a_step_writes_is_what_the_monitor_compares_with(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)})
    for step in list(steps_of(plan))[1:]:
        written = step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        kind = written.rsplit("/", 1)[-1]
        job = plan.resource(f"monitoring-delay-{kind}-job").inputs
        (baseline,) = [value for key, value in job.items() if key.endswith("BaselineConfig")]
        assert baseline["constraintsResource"]["s3Uri"].startswith(f"{written}/")


def test_without_an_image_there_is_no_baseline_pipeline(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)}, image=None, baseline_role_arn=None)
    assert "monitoring-delay-baseline" not in plan.types()
    assert plan.outputs["baseline_pipelines"] == {}


def test_rules_hear_what_they_are_for_and_nothing_else() -> None:
    drift = alarm_changed("shop-dev-delay-drift")
    pattern = retraining_start.alarm_pattern(drift["resources"][0])
    assert passes(pattern, drift)
    assert not passes(pattern, alarm_changed("shop-dev-delay-drift", "OK", "ALARM"))
    assert not passes(pattern, alarm_changed("shop-dev-price-drift"))
    pattern = baseline_pipeline.endpoint_pattern("shop-dev-delay")
    assert passes(pattern, endpoint_changed("shop-dev-delay"))
    assert not passes(pattern, endpoint_changed("shop-dev-delay", "UPDATING"))
    assert not passes(pattern, endpoint_changed("shop-dev-price"))
    report = json.loads(json.dumps(drift)) | {
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Processing Job State Change",
        "detail": {"ProcessingJobStatus": "Completed", "RoleArn": role("monitor")},
    }
    assert passes(violations.report_pattern(role("monitor")), report)
    assert not passes(violations.report_pattern(role("baseline")), report)


@pytest.mark.parametrize(("cooldown", "engine"), [(24, "sagemaker"), (0, "sagemaker"), (0, "step_functions")])
def test_drift_starts_the_training(cooldown: float, engine: str, plan_aws: Plans, place: Plans) -> None:
    model = watched(retraining_pipeline=PIPELINE, cooldown_hours=cooldown)
    plan = planned(plan_aws, place, {"delay": model}, training_engine=engine)
    alarm = plan.token("monitoring-delay-drift")
    assert json.loads(plan.resource("monitoring-delay-retraining-rule").inputs["eventPattern"])["resources"] == [alarm]
    target = plan.resource("monitoring-delay-retraining-start").inputs
    assert target["roleArn"] == role("watching")
    if cooldown:
        assert target["arn"] == plan.token("monitoring-retraining-machine")
        told = {"alarm": "shop-dev-delay-drift", "cooldownSeconds": 86400, "pipeline": PIPELINE}
        assert json.loads(target["input"]) == told
        assert plan.resource("monitoring-delay-drift").inputs["name"] == told["alarm"]
    else:
        assert target["arn"] == PIPELINE
        assert ("sagemakerPipelineTarget" in target) is (engine == "sagemaker")
    assert TOKEN in plan.resource("monitoring-counter-start").inputs["arn"]
