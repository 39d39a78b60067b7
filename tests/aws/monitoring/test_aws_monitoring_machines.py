"""The two state machines of monitoring, run here: what is counted in a report, and when drift starts a training."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws.monitoring.state_machines import StateMachine

from mlops_components.monitoring import retraining_start, violations
from mlops_components.placement import AwsPlacement

PLACEMENT: AwsPlacement = {
    "blueprint": "shop",
    "scope": "dev",
    "account_id": "111122223333",
    "region": "eu-central-1",
}
REPORT = "s3://shop-dev-artifacts/monitoring/delay/reports/data_quality/shop-dev-delay/schedule/2026/03/01/04"
PIPELINE = "arn:aws:sagemaker:eu-central-1:111122223333:pipeline/shop-dev-delay"


def counted(found: list[dict[str, str]] | None, folder: str = REPORT) -> tuple[StateMachine, dict[str, Any]]:
    """The machine after a job that wrote to `folder`, and metric -> value. None: there is no file of violations."""

    def task(service: str, arguments: dict[str, Any]) -> Any:
        if service == "s3:listObjectsV2":
            return {"KeyCount": 0 if found is None else 1}
        if service == "s3:getObject":
            return {"Body": json.dumps({"violations": found})}
        return {}

    machine = StateMachine(violations.counter_definition(PLACEMENT), task)
    outputs = {"Outputs": [{"OutputName": "result", "S3Output": {"S3Uri": folder}}]}
    machine.run({"detail": {"ProcessingOutputConfig": outputs}})
    published = [arguments for service, arguments in machine.asked if service == "cloudwatch:putMetricData"]
    return machine, {one["MetricName"]: one["Value"] for call in published for one in call["MetricData"]}


def drifted(feature: str) -> dict[str, str]:
    return {"feature_name": feature, "constraint_check_type": "baseline_drift_check", "description": "too far"}


def test_violations_are_counted_and_drifted_features_apart() -> None:
    other = {"feature_name": "carrier", "constraint_check_type": "completeness_check", "description": "holes"}
    machine, values = counted([drifted("carrier"), drifted("dep_hour"), other])
    assert values == {"Violations": 3, "DriftedFeatures": 2}
    key = "monitoring/delay/reports/data_quality/shop-dev-delay/schedule/2026/03/01/04/constraint_violations.json"
    assert ("s3:getObject", {"Bucket": "shop-dev-artifacts", "Key": key}) in machine.asked
    dimensions = machine.asked[-1][1]["MetricData"][0]["Dimensions"]
    assert {"Name": "Model", "Value": "delay"} in dimensions
    assert {"Name": "Monitor", "Value": "data_quality"} in dimensions


@pytest.mark.parametrize("found", [None, []])
def test_a_report_without_violations_counts_as_none(found: list[dict[str, str]] | None) -> None:
    assert counted(found)[1] == {"Violations": 0, "DriftedFeatures": 0}
    assert counted([drifted("carrier")], f"{REPORT}/")[1] == {"Violations": 1, "DriftedFeatures": 1}


def test_merging_labels_is_no_report() -> None:
    machine, values = counted([drifted("carrier")], REPORT.replace("data_quality", "model_quality/merge"))
    assert (machine.path[-1], values) == ("NoReport", {})


def started(engine: str, runs: list[dict[str, Any]], states: list[str]) -> StateMachine:
    """The machine after an alarm; `states` of the alarm at each later look, when all runs are old."""
    looks = list(states)

    def task(service: str, _: dict[str, Any]) -> Any:
        if service == "cloudwatch:describeAlarms":
            runs.clear()
            return {"MetricAlarms": [{"StateValue": looks.pop(0)}]}
        if "list" in service:
            return {"PipelineExecutionSummaries": list(runs), "Executions": list(runs)}
        return {}

    machine = StateMachine(retraining_start.starter_definition(PLACEMENT, engine), task)
    machine.run(json.loads(retraining_start.starter_input(PIPELINE, "shop-dev-delay-drift", 24)))
    return machine


def run(engine: str, name: str, hours: float) -> dict[str, Any]:
    began = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if engine == "sagemaker":
        return {"PipelineExecutionDisplayName": name, "StartTime": began}
    return {"Name": name, "StartDate": began}


@pytest.mark.parametrize("engine", ["sagemaker", "step_functions"])
def test_drift_starts_a_training_unless_one_began_within_the_cooldown(engine: str) -> None:
    for runs in ([], [run(engine, "scheduled-1", 1)], [run(engine, "drift-1", 25)]):
        service, arguments = started(engine, runs, []).asked[-1]
        assert (
            service == {"sagemaker": "sagemaker:startPipelineExecution", "step_functions": "sfn:startExecution"}[engine]
        )
        name = arguments.get("Name") or arguments["PipelineExecutionDisplayName"]
        assert name.startswith("drift-")
    waiting = started(engine, [run(engine, "drift-1", 3), run(engine, "drift-0", 30)], ["OK"])
    assert waiting.path[-3:] == ["LookAgain", "IsStillOn", "Over"]
    assert waiting.variables["since"] == pytest.approx(3 * 3600, abs=120)


def test_drift_that_lasts_through_the_cooldown_starts_a_training_then() -> None:
    machine = started("sagemaker", [run("sagemaker", "drift-1", 3)], ["ALARM"])
    assert machine.path.count("FindRecent") == 2
    assert machine.path[-1] == "Start"


def test_a_retry_never_starts_a_second_run() -> None:
    arguments = started("sagemaker", [], []).asked[-1][1]
    assert arguments["ClientRequestToken"] in arguments["PipelineExecutionDisplayName"]
