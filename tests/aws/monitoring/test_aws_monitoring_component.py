"""Monitoring on AWS: monitors of four kinds, alarms, dashboards, and what drift starts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from mlops_components.args import ArgsError
from mlops_components.monitoring.sagemaker import SageMakerMonitoring

pytest_plugins = ["components.aws_plans"]

Plans = Callable[..., Any]
LIMITS = {
    "latency_p50_ms": 100.0,
    "latency_p95_ms": 400.0,
    "latency_p99_ms": 900.0,
    "errors_4xx_percent": 20.0,
    "errors_5xx_percent": 5.0,
    "cpu_percent": 80.0,
    "memory_percent": 80.0,
    "gpu_percent": 90.0,
    "drift": {},
    "drifted_features": 3,
    "windows_running": 2,
    "minimum_quality": {},
}
COLUMNS = ["dep_hour", "carrier"]


def watched(**more: Any) -> dict[str, Any]:
    return {
        "version": "3",
        "serving": "sagemaker",
        "endpoint": "shop-dev-delay",
        "variant": "v3",
        "limits": LIMITS,
        "cores": 4,
        "gpus": 0,
        "schedule": "cron(0 4 ? * * *)",
        "interval_hours": 24,
        "data_quality": True,
        **more,
    }


EVERYTHING = {
    "model_quality": {"problem": "BinaryClassification", "probability_threshold": 0.5},
    "bias": {"columns": COLUMNS, "facet": "carrier", "facet_values": ["UA"], "label_values": ["0"]},
    "explainability": {"columns": COLUMNS, "samples": 100},
    "reference": '{"model": "delay"}',
}


def role(word: str) -> str:
    return f"arn:aws:iam::111122223333:role/shop-dev-{word}"


def planned(plan_aws: Plans, place: Plans, models: dict[str, Any], **more: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        import pulumi_aws_native as aws_native

        native = aws_native.Provider("native", region="eu-central-1", allowed_account_ids=["111122223333"])
        args: Any = {
            "placement": place("dev"),
            "models": models,
            "artifact_root": "s3://shop-dev-artifacts",
            "artifact_bucket": "shop-dev-artifacts",
            "data_root": "s3://shop-dev-data",
            "monitor_role_arn": role("monitor"),
            "baseline_role_arn": role("baseline"),
            "counter_role_arn": role("counter"),
            "retraining_role_arn": role("retraining"),
            "events_role_arn": role("watching"),
            "image": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop@sha256:0",
            "alarm_topic_arn": "arn:aws:sns:eu-central-1:111122223333:shop-dev-alarm",
            "key_arn": "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d",
            "subnet_ids": ["subnet-0a1b2c3d"],
            "security_group_ids": ["sg-0a1b2c3d"],
            **more,
        }
        opts = pulumi.ResourceOptions(providers=[*(options.providers or []), native])  # type: ignore[misc]
        given: Any = {key: value for key, value in args.items() if value is not None}
        made = SageMakerMonitoring("monitoring", given, opts)
        return {output: getattr(made, output) for output in SageMakerMonitoring.__annotations__}

    return plan_aws(build)


def test_each_kind_of_monitor_has_a_definition_a_schedule_and_a_baseline(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)})
    kinds = {
        "data_quality": "DataQuality",
        "model_quality": "ModelQuality",
        "bias": "ModelBias",
        "explainability": "ModelExplainability",
    }
    for kind, word in kinds.items():
        job = plan.resource(f"monitoring-delay-{kind}-job")
        assert job.type == f"aws-native:sagemaker:{word}JobDefinition"
        config = plan.resource(f"monitoring-delay-{kind}-schedule").inputs["monitoringScheduleConfig"]
        assert config["monitoringType"] == word
        assert config["scheduleConfig"] == {"scheduleExpression": "cron(0 4 ? * * *)"}
        member = word[0].lower() + word[1:]
        file = "constraints.json" if kind.endswith("quality") else "analysis.json"
        constraints = job.inputs[f"{member}BaselineConfig"]["constraintsResource"]["s3Uri"]
        assert constraints == f"s3://shop-dev-artifacts/monitoring/delay/baselines/3/{kind}/{file}"
        assert job.inputs["networkConfig"]["vpcConfig"]["subnets"] == ["subnet-0a1b2c3d"]
    labels = plan.resource("monitoring-delay-bias-job").inputs["modelBiasJobInput"]["groundTruthS3Input"]
    assert labels == {"s3Uri": "s3://shop-dev-data/labels/delay"}


def test_the_configurations_of_clarify_have_the_name_that_it_looks_for(plan_aws: Plans, place: Plans) -> None:
    """Those of baselines are put into the folder of a job's input as they are, by their own name."""
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)})
    keys = [
        plan.resource(f"monitoring-delay-{kind}{of}").inputs["key"]
        for kind in ("bias", "explainability")
        for of in ("", "-baseline")
    ]
    assert all(re.search(r"-[0-9a-f]+/analysis_config\.json$", key) for key in keys), keys
    assert len(set(keys)) == 4


def test_a_new_version_makes_new_definitions_but_not_new_resources(plan_aws: Plans, place: Plans) -> None:
    def names(**more: Any) -> set[str]:
        plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING, **more)})
        return {r.inputs["jobDefinitionName"] for r in plan.custom() if r.type.startswith("aws-native:")}

    before = names()
    assert len(before) == 4
    assert not before & names(version="4")
    assert before == names(limits={**LIMITS, "cpu_percent": 70.0})


def test_alarms_watch_latency_errors_and_load_of_all_cores(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(gpus=4)})
    latency = {p: plan.resource(f"monitoring-delay-latency_{p}").inputs for p in ("p50", "p95", "p99")}
    assert {p: (a["extendedStatistic"], a["threshold"]) for p, a in latency.items()} == {
        "p50": ("p50", 100_000),
        "p95": ("p95", 400_000),
        "p99": ("p99", 900_000),
    }
    assert latency["p99"]["dimensions"] == {"EndpointName": "shop-dev-delay", "VariantName": "v3"}
    topic = "arn:aws:sns:eu-central-1:111122223333:shop-dev-alarm"
    assert (latency["p99"]["alarmActions"], latency["p99"]["okActions"]) == ([topic], [topic])
    failing = plan.resource("monitoring-delay-errors_5xx").inputs
    queries = {q["id"]: q for q in failing["metricQueries"]}
    assert queries["result"]["expression"] == "IF(requests > 0, 100 * errors / requests, 0)"
    assert queries["errors"]["metric"]["metricName"] == "Invocation5XXErrors"
    loads = {word: plan.resource(f"monitoring-delay-{word}").inputs["threshold"] for word in ("cpu", "memory", "gpu")}
    assert loads == {"cpu": 320, "memory": 80, "gpu": 360}
    assert "monitoring-delay-gpu" not in planned(plan_aws, place, {"delay": watched()}).types()


def test_drift_counts_features_by_the_baseline_or_by_limits_of_their_own(plan_aws: Plans, place: Plans) -> None:
    by_baseline = planned(plan_aws, place, {"delay": watched()}).resource("monitoring-delay-drift").inputs
    assert (by_baseline["metricName"], by_baseline["threshold"]) == ("DriftedFeatures", 2)
    assert (by_baseline["evaluationPeriods"], by_baseline["treatMissingData"]) == (2, "ignore")
    limits = {**LIMITS, "drift": {"carrier": 0.2, "dep_hour": 0.1}, "drifted_features": 1}
    own = planned(plan_aws, place, {"delay": watched(limits=limits)}).resource("monitoring-delay-drift").inputs
    queries = {q["id"]: q for q in own["metricQueries"]}
    assert queries["result"]["expression"] == "IF(m0 > 0.2, 1, 0) + IF(m1 > 0.1, 1, 0)"
    assert queries["m0"]["metric"]["metricName"] == "feature_baseline_drift_carrier"
    schedule = {"Endpoint": "shop-dev-delay", "MonitoringSchedule": "shop-dev-delay-dataquality"}
    assert queries["m0"]["metric"]["dimensions"] == schedule
    assert own["threshold"] == 0


def test_labels_that_disagree_are_told_of(plan_aws: Plans, place: Plans) -> None:
    limits = {**LIMITS, "minimum_quality": {"auc": 0.7}}
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING, limits=limits)} | {})
    alarm = plan.resource("monitoring-delay-quality_auc").inputs
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("LessThanThreshold", 0.7)
    assert alarm["namespace"] == "aws/sagemaker/Endpoints/model-metrics"


def test_a_function_or_a_service_has_alarms_on_its_own_metrics_and_no_monitor(plan_aws: Plans, place: Plans) -> None:
    models = {
        "quick": watched(serving="lambda", endpoint="shop-dev-quick", variant="live"),
        "steady": watched(
            serving="ecs",
            endpoint="shop-dev-steady",
            variant="shop-dev",
            balancer="app/steady/1",
            target_group="targetgroup/steady/2",
        ),
        "quiet": watched(serving="ecs", endpoint="shop-dev-quiet", variant="shop-dev"),
    }
    plan = planned(plan_aws, place, models)
    assert set(plan.types().values()) == {"MetricAlarm", "Dashboard"}
    quick = plan.resource("monitoring-quick-latency_p99").inputs
    assert quick["dimensions"] == {"FunctionName": "shop-dev-quick", "Resource": "shop-dev-quick:live"}
    assert (quick["namespace"], quick["threshold"]) == ("AWS/Lambda", 900)
    failing = {q["id"]: q for q in plan.resource("monitoring-quick-errors_5xx").inputs["metricQueries"]}
    assert failing["errors"]["metric"]["metricName"] == "Url5xxCount"
    steady = plan.resource("monitoring-steady-latency_p99").inputs
    assert (steady["namespace"], steady["threshold"]) == ("AWS/ApplicationELB", 0.9)
    assert plan.resource("monitoring-steady-cpu").inputs["threshold"] == 80
    assert [name for name in plan.types() if "quiet" in name] == ["monitoring-quiet-cpu", "monitoring-quiet-memory"]


def test_the_dashboard_shows_each_model_and_its_alarms(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)})
    body = json.loads(plan.resource("monitoring-dashboard-1").inputs["dashboardBody"])
    kinds = [widget["type"] for widget in body["widgets"]]
    assert kinds == ["text", "metric", "metric", "metric", "metric", "alarm"]
    assert len({(w["x"], w["y"]) for w in body["widgets"][1:]}) == 5
    alarms = body["widgets"][-1]["properties"]["alarms"]
    assert plan.token("monitoring-delay-drift") in alarms
    assert len(alarms) == len([r for r in plan.custom() if r.type.endswith("MetricAlarm")])
    many = planned(plan_aws, place, {f"m{at}": watched(serving="lambda") for at in range(81)}, image=None)
    assert len([r for r in many.custom() if r.type.endswith("Dashboard")]) == 2


def test_nothing_watched_makes_nothing(plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {})
    assert not plan.types()
    assert (plan.outputs["reports"], plan.outputs["alarms"], plan.outputs["dashboards"]) == ({}, {}, [])


def test_what_is_missing_is_said(plan_aws: Plans, place: Plans) -> None:
    with pytest.raises(ArgsError, match="'monitor_role_arn' is missing"):
        planned(plan_aws, place, {"delay": watched()}, monitor_role_arn=None)
    started = watched(serving="lambda", retraining_pipeline="arn:aws:sagemaker:eu-central-1:1:pipeline/p")
    with pytest.raises(ArgsError, match="nothing measures drift"):
        planned(plan_aws, place, {"delay": started})
