"""Each option of each engine that serves on AWS, and each field of a model that it reads, changes what is made."""

from __future__ import annotations

from typing import Any

import pytest
from aws.serving.serving_blueprints import STAGES, planned
from aws.serving.test_aws_ecs_serving import CERTIFICATE, NETWORK, WORKLOAD

from mlops_stacks.blueprint.aws_stages.serving import EcsServing, LambdaServing, SageMakerServing

MODEL = "flight_delay"

BATCH = {"schedule": {"cron": "0 5 * * *"}, "input": "new", "output": "predicted"}
SHARED = {
    "rollout.strategy": ("all_at_once", "canary"),
    "rollout.steps_percent": ([20], [30]),
    "rollout.bake_minutes": (10, 20),
    "rollout.rollback.error_rate_percent": (1, 2),
    "rollout.rollback.latency_p99_ms": (100, 200),
    "realtime.capture.sample_percent": (20, 30),
}
SCALED = {
    "realtime.workers": (1, 2),
    "realtime.autoscaling.minimum": (2, 3),
    "realtime.autoscaling.maximum": (4, 5),
}
OPTIONS: dict[str, dict[str, tuple[Any, Any]]] = {
    "sagemaker": {
        "mode": ("instances", "serverless"),
        "modes": ({}, {MODEL: "asynchronous"}),
        "instance_type": ("ml.m5.large", "ml.m5.xlarge"),
        "volume_gb": (10, 20),
        "startup_seconds": (100, 200),
        "serverless": ({"memory_mb": 1024}, {"concurrency": 9}),
        "serverless.provisioned": ({"provisioned": 1}, {"provisioned": 2}),
        "asynchronous": ({"output": "a"}, {"output": "b"}),
        "asynchronous.concurrent_per_copy": ({"concurrent_per_copy": 1}, {"concurrent_per_copy": 2}),
        "challengers": ({MODEL: 4}, {MODEL: 5}),
        "rolling_percent": (10, 20),
        "keep_old_minutes": (5, 10),
        "batch_lines": ("json", "csv"),
        "batch_machines": (1, 2),
        "log_days": (30, 60),
    },
    "lambda": {
        "memory_mb": (1024, 2048),
        "timeout_seconds": (10, 20),
        "storage_mb": (1024, 2048),
        "concurrency": (3, 4),
        "provisioned": (1, 2),
        "callers": ([], ["arn:aws:iam::222222222222:role/shop"]),
        "log_days": (30, 60),
    },
    "ecs": {
        "certificate": (CERTIFICATE, CERTIFICATE.replace("/a", "/b")),
        "cpu": (0.5, 1),
        "memory_gb": (2, 4),
        "scale_at_cpu_percent": (50, 70),
        "callers": ([], ["10.1.0.0/16"]),
        "log_days": (30, 60),
    },
}
FIELDS: dict[str, dict[str, tuple[Any, Any]]] = {
    "sagemaker": {
        **SHARED,
        **SCALED,
        "realtime.autoscaling.requests_per_minute": (60, 90),
        "realtime.compute.instance_type": ("ml.c5.large", "ml.c5.xlarge"),
        "batch.input": ("a", "b"),
        "batch.output": ("a", "b"),
        "batch.schedule.cron": ("0 1 * * *", "0 2 * * *"),
        "batch.schedule.timezone": ("Europe/Berlin", "Asia/Tokyo"),
        "batch.compute.instance_type": ("ml.c5.xlarge", "ml.c5.2xlarge"),
    },
    "lambda": {**SHARED, "realtime.compute.memory_gb": (2, 3)},
    "ecs": {
        **SHARED,
        **SCALED,
        "realtime.compute.cpu": (0.5, 1),
        "realtime.compute.memory_gb": (3, 4),
        "realtime.compute.spot": (False, True),
    },
}


def _model(engine: str, path: str, value: Any) -> dict[str, Any]:
    """The model with one field, and what that field needs beside it."""
    model: dict[str, Any] = {"batch": {**BATCH, "schedule": {**BATCH["schedule"]}}} if engine == "sagemaker" else {}
    if path.startswith("rollout."):
        model["rollout"] = {"strategy": "canary"}
    if path.startswith("realtime.autoscaling."):
        model["realtime"] = {"autoscaling": {"minimum": 1, "maximum": 3}}
        if engine == "sagemaker":
            model["realtime"]["autoscaling"]["requests_per_minute"] = 60
    if not path:
        return model
    *way, last = path.split(".")
    at = model
    for part in way:
        at = at.setdefault(part, {})
    at[last] = value
    return model


def _made(engine: str, options: dict[str, Any], model: dict[str, Any]) -> Any:
    """All inputs and options that reach the platform, but for tags."""
    chosen = {"engine": engine, **({"certificate": CERTIFICATE} if engine == "ecs" else {}), **options}
    stages = {**STAGES, "foundation": {"network": NETWORK} if engine == "ecs" else {}, "serving": chosen}
    workload = {key: value for key, value in WORKLOAD.items() if engine != "sagemaker" or key != "image"}
    scope = planned(stages=stages, workload=workload, models={MODEL: model})
    custom = [r for r in scope.resources if r.stage == "serving" and not r.is_component]
    return [(r.urn, r.inputs) for r in custom]


@pytest.mark.parametrize(
    ("engine", "path", "values"),
    [(engine, path, values) for engine, fields in FIELDS.items() for path, values in fields.items()],
)
def test_each_field_of_a_model_matters(engine: str, path: str, values: tuple[Any, Any]) -> None:
    first, second = (_made(engine, {}, _model(engine, path, value)) for value in values)
    assert first != second


@pytest.mark.parametrize(
    ("engine", "option", "values"),
    [(engine, option, values) for engine, options in OPTIONS.items() for option, values in options.items()],
)
def test_each_option_matters(engine: str, option: str, values: tuple[Any, Any]) -> None:
    field, model = option.partition(".")[0], _model(engine, "", None)
    beside: dict[str, Any] = {"mode": field} if field in ("serverless", "asynchronous") else {}
    if field == "challengers":
        model["rollout"] = {"strategy": "ab"}
    if field == "scale_at_cpu_percent":
        model["realtime"] = {"autoscaling": {"minimum": 1, "maximum": 3}}
    first, second = (_made(engine, {**beside, field: value}, model) for value in values)
    assert first != second


def test_no_option_is_forgotten() -> None:
    for engine, options in (("sagemaker", SageMakerServing), ("lambda", LambdaServing), ("ecs", EcsServing)):
        own = set(options.model_fields) - {"engine", "platform", "lifecycle"}
        assert own == {option.partition(".")[0] for option in OPTIONS[engine]}
