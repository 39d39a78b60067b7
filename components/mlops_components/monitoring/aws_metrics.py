"""What CloudWatch knows of a served model, and the alarms that are made of it. Data only, no resources.

Sources: SageMaker Developer Guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", "Model quality metrics and
Amazon CloudWatch monitoring", "CloudWatch metrics" of Model Monitor; Lambda Developer Guide, "Types of metrics for
Lambda functions" and "Monitoring Lambda function URLs"; Elastic Load Balancing, "CloudWatch metrics for your
Application Load Balancer"; ECS Developer Guide, "Amazon ECS CloudWatch metrics".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Optional

import pulumi

from mlops_components.monitoring.aws_kinds import DATA_QUALITY, MODEL_QUALITY, MonitorKind, kinds_of
from mlops_components.monitoring.sagemaker_args import AwsWatchedModel
from mlops_components.placement import AwsPlacement

OWN_NAMESPACE = "MlopsStacks/Monitoring"
"""Where violations are counted."""
VIOLATIONS, DRIFTED_FEATURES = "Violations", "DriftedFeatures"

_MINUTE, _HOUR = 60, 3600
_PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True)
class Metric:
    """One metric with one statistic."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str
    period: int = _MINUTE
    """In seconds."""


@dataclass(frozen=True)
class Alarm:
    """When somebody is told."""

    word: str
    """What it is about; the last part of its names."""
    sentence: str
    """What it means, for whoever is told."""
    metrics: Mapping[str, Metric]
    """Id -> metric; one alone is compared as it is."""
    threshold: float
    periods: int
    expression: Optional[str] = None
    """Metric math over the ids; None: the only metric."""
    below: bool = False
    """Whether too little is bad, and not too much."""
    keeps_state: bool = False
    """Whether it stays as it is while nothing is measured: between two reports nothing is known."""
    drift: bool = field(default=False)
    """Whether it may start a retraining."""


def service_alarms(model: str, watched: AwsWatchedModel) -> Iterator[Alarm]:
    """Latency, errors and load of whatever serves, as far as they are measured."""
    shown = service_metrics(watched)
    if "requests" in shown:
        yield from _answer_alarms(model, watched, shown)
    yield from _load_alarms(model, watched, shown)


def _answer_alarms(model: str, watched: AwsWatchedModel, shown: Mapping[str, Metric]) -> Iterator[Alarm]:
    limits = watched["limits"]
    scale = _MILLISECONDS[watched["serving"]]
    for percentile in _PERCENTILES:
        limit = float(limits[f"latency_{percentile}_ms"])  # type: ignore[literal-required]
        share = f"{percentile[1:]} %"
        yield Alarm(
            f"latency_{percentile}",
            f"{share} of the answers of {model} take up to more than {limit:g} ms.",
            {"latency": shown[percentile]},
            limit * scale,
            periods=10,
        )
    for kind, what in (("4xx", "are refused"), ("5xx", "fail")):
        limit = float(limits[f"errors_{kind}_percent"])  # type: ignore[literal-required]
        yield Alarm(
            f"errors_{kind}",
            f"More than {limit:g} % of the requests to {model} {what}.",
            {"errors": shown[kind], "requests": shown["requests"]},
            limit,
            periods=10,
            expression="IF(requests > 0, 100 * errors / requests, 0)",
        )


def _load_alarms(model: str, watched: AwsWatchedModel, shown: Mapping[str, Metric]) -> Iterator[Alarm]:
    limits = watched["limits"]
    adds_up = watched["serving"] == "sagemaker"
    loads = (
        ("cpu", "the processors", limits["cpu_percent"], watched["cores"] if adds_up else 1),
        ("memory", "the memory", limits["memory_percent"], 1),
        ("gpu", "the accelerators", limits["gpu_percent"], watched["gpus"]),
        ("gpu_memory", "the accelerators' memory", limits["gpu_percent"], watched["gpus"]),
    )
    for word, what, limit, units in loads:
        if word in shown:
            yield Alarm(
                word,
                f"{model} has used more than {limit:g} % of {what} for a quarter of an hour.",
                {"load": shown[word]},
                float(limit) * units,
                periods=15,
            )


_MILLISECONDS = {"sagemaker": 1000.0, "lambda": 1.0, "ecs": 0.001}
"""What a millisecond is in the unit of the latency of each service: microseconds, milliseconds, seconds."""


def service_metrics(watched: AwsWatchedModel) -> dict[str, Metric]:
    """`p50`, `p95`, `p99`, `requests`, `4xx`, `5xx`, `cpu`, `memory`, `gpu`, `gpu_memory`: those that are measured."""
    return _OF_SERVICE[watched["serving"]](watched)


def _sagemaker(watched: AwsWatchedModel) -> dict[str, Metric]:
    at = {"EndpointName": watched["endpoint"], "VariantName": watched["variant"]}
    calls, machines = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
    metrics = {p: Metric(calls, "ModelLatency", at, p) for p in _PERCENTILES}
    metrics["requests"] = Metric(calls, "Invocations", at, "Sum")
    metrics["4xx"] = Metric(calls, "Invocation4XXErrors", at, "Sum")
    metrics["5xx"] = Metric(calls, "Invocation5XXErrors", at, "Sum")
    metrics["cpu"] = Metric(machines, "CPUUtilization", at, "Average")
    metrics["memory"] = Metric(machines, "MemoryUtilization", at, "Average")
    if watched["gpus"]:
        metrics["gpu"] = Metric(machines, "GPUUtilization", at, "Average")
        metrics["gpu_memory"] = Metric(machines, "GPUMemoryUtilization", at, "Average")
    return metrics


def _lambda(watched: AwsWatchedModel) -> dict[str, Metric]:
    alias = pulumi.Output.concat(watched["endpoint"], ":", watched["variant"])
    at = {"FunctionName": watched["endpoint"], "Resource": alias}
    metrics = {p: Metric("AWS/Lambda", "Duration", at, p) for p in _PERCENTILES}
    # Of the function's address, since a server that answers with an error has not failed as a function.
    metrics["requests"] = Metric("AWS/Lambda", "UrlRequestCount", at, "Sum")
    metrics["4xx"] = Metric("AWS/Lambda", "Url4xxCount", at, "Sum")
    metrics["5xx"] = Metric("AWS/Lambda", "Url5xxCount", at, "Sum")
    return metrics


def _ecs(watched: AwsWatchedModel) -> dict[str, Metric]:
    service = {"ClusterName": watched["variant"], "ServiceName": watched["endpoint"]}
    metrics = {
        "cpu": Metric("AWS/ECS", "CPUUtilization", service, "Average"),
        "memory": Metric("AWS/ECS", "MemoryUtilization", service, "Average"),
    }
    if "balancer" in watched and "target_group" in watched:
        at = {"LoadBalancer": watched["balancer"], "TargetGroup": watched["target_group"]}
        calls = "AWS/ApplicationELB"
        metrics |= {p: Metric(calls, "TargetResponseTime", at, p) for p in _PERCENTILES}
        metrics["requests"] = Metric(calls, "RequestCount", at, "Sum")
        metrics["4xx"] = Metric(calls, "HTTPCode_Target_4XX_Count", at, "Sum")
        metrics["5xx"] = Metric(calls, "HTTPCode_Target_5XX_Count", at, "Sum")
    return metrics


_OF_SERVICE = {"sagemaker": _sagemaker, "lambda": _lambda, "ecs": _ecs}


def report_alarms(
    placement: AwsPlacement, model: str, watched: AwsWatchedModel, schedules: Mapping[str, str]
) -> Iterator[Alarm]:
    """What the reports of the monitors say. `schedules`: kind -> name of its monitoring schedule."""
    for kind in kinds_of(watched):
        if kind is DATA_QUALITY:
            yield _drift(placement, model, watched, schedules[kind.name])
        if kind is MODEL_QUALITY:
            yield from _quality(model, watched, schedules[kind.name])
        yield Alarm(
            f"{kind.name}_violations",
            f"The last report on {model} ({kind.name.replace('_', ' ')}) found violations of its baseline.",
            {"violations": counted(placement, model, watched, kind, VIOLATIONS)},
            0,
            periods=1,
            keeps_state=True,
        )


def counted(placement: AwsPlacement, model: str, watched: AwsWatchedModel, kind: MonitorKind, name: str) -> Metric:
    """What was counted in the reports of one monitor."""
    at = {
        "Blueprint": placement["blueprint"],
        "Environment": placement["scope"],
        "Model": model,
        "Monitor": kind.name,
    }
    return Metric(OWN_NAMESPACE, name, at, "Maximum", _period(watched))


def _drift(placement: AwsPlacement, model: str, watched: AwsWatchedModel, schedule: str) -> Alarm:
    """Features of their own limits are counted by their distance, else those that break the baseline's constraints."""
    limits = watched["limits"]
    enough = limits["drifted_features"]
    sentence = f"{enough} or more inputs of {model} are no longer like its training data."
    if not limits["drift"]:
        metrics = {"drifted": counted(placement, model, watched, DATA_QUALITY, DRIFTED_FEATURES)}
        expression = None
    else:
        features = sorted(limits["drift"])
        metrics = {f"m{at}": feature_distance(watched, schedule, feature) for at, feature in enumerate(features)}
        expression = " + ".join(f"IF(m{at} > {limits['drift'][name]:g}, 1, 0)" for at, name in enumerate(features))
    return Alarm(
        "drift",
        sentence,
        metrics,
        enough - 1,
        periods=limits["windows_running"],
        expression=expression,
        keeps_state=True,
        drift=True,
    )


def feature_distance(watched: AwsWatchedModel, schedule: str, feature: str) -> Metric:
    """How far a feature is from its baseline, as Model Monitor publishes it."""
    at = {"Endpoint": watched["endpoint"], "MonitoringSchedule": schedule}
    name = f"feature_baseline_drift_{feature}"
    return Metric("aws/sagemaker/Endpoints/data-metrics", name, at, "Maximum", _period(watched))


def _quality(model: str, watched: AwsWatchedModel, schedule: str) -> Iterator[Alarm]:
    at = {"Endpoint": watched["endpoint"], "MonitoringSchedule": schedule}
    for metric, smallest in sorted(watched["limits"]["minimum_quality"].items()):
        measured = Metric("aws/sagemaker/Endpoints/model-metrics", metric, at, "Average", _period(watched))
        yield Alarm(
            f"quality_{metric}",
            f"The {metric} of {model}, held against its labels, is below {smallest:g}.",
            {"quality": measured},
            smallest,
            periods=1,
            below=True,
            keeps_state=True,
        )


def _period(watched: AwsWatchedModel) -> int:
    return watched["interval_hours"] * _HOUR
