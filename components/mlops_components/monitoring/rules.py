"""Prometheus rules for served models and their monitor: the same on every platform that has a Prometheus.

Metrics of the server begin with `mlops_stacks_`, those of the monitor with `mlops_stacks_monitor_`; each carries the
label `model`.
"""

from collections.abc import Mapping
from typing import Any

from mlops_components.spec.monitoring import Limits

_STALE_AFTER = 2
"""A report that is so many times its interval old is missing; the interval is exported by the monitor itself."""


def prometheus_rules(blueprint: str, environment: str, models: Mapping[str, Limits]) -> dict[str, Any]:
    """A rule file: one group for each model, named `<blueprint>-<environment>-<model>`, and one for the monitor."""
    groups = [
        {"name": f"{blueprint}-{environment}-{model}", "rules": _of_model(model, limits)}
        for model, limits in sorted(models.items())
    ]
    return {"groups": [*groups, {"name": f"{blueprint}-{environment}-monitor", "rules": _of_monitor()}]}


def _of_model(model: str, limits: Limits) -> list[dict[str, Any]]:
    return [*_of_server(model, limits), *_of_reports(model)]


def _of_server(model: str, limits: Limits) -> list[dict[str, Any]]:
    """What the server's own metrics tell."""
    at = f'{{model="{model}"}}'
    requests = f"sum by (model) (rate(mlops_stacks_requests_total{at}[5m]))"
    errors = f"sum by (model) (rate(mlops_stacks_errors_total{at}[5m]))"
    buckets = f"sum by (model, le) (rate(mlops_stacks_request_seconds_bucket{at}[5m]))"
    return [
        {"record": "mlops_stacks:request_seconds:p99", "expr": f"histogram_quantile(0.99, {buckets})"},
        {"record": "mlops_stacks:error_ratio", "expr": f"{errors} / {requests}"},
        _alert(
            "ModelLatencyHigh",
            f"mlops_stacks:request_seconds:p99{at} > {limits['latency_p99_ms'] / 1000:g}",
            "10m",
            "warning",
            f"99 % of the answers of {model} take up to {{{{ $value | humanizeDuration }}}}.",
        ),
        _alert(
            "ModelErrorsHigh",
            f"mlops_stacks:error_ratio{at} > {limits['error_rate_percent'] / 100:g}",
            "10m",
            "critical",
            f"{{{{ $value | humanizePercentage }}}} of the requests to {model} are answered with an error.",
        ),
        _alert(
            "CaptureDropping",
            f"sum by (model) (increase(mlops_stacks_capture_dropped_total{at}[15m])) > 0",
            None,
            "warning",
            f"Requests to {model} were answered but not kept for monitoring: the disk is full or too slow.",
        ),
    ]


def _of_reports(model: str) -> list[dict[str, Any]]:
    """What the monitor has found."""
    at, monitor = f'{{model="{model}"}}', "mlops_stacks_monitor"
    return [
        _alert(
            "ModelDrift",
            f'{monitor}_alarm{{model="{model}",kind="drift"}} == 1',
            None,
            "warning",
            f"The requests to {model} are no longer like its training data; the monitor's last report names features.",
        ),
        _alert(
            "ModelQualityLow",
            f'{monitor}_alarm{{model="{model}",kind="quality"}} == 1',
            None,
            "critical",
            f"The predictions of {model}, held against their labels, are worse than the blueprint allows.",
        ),
        _alert(
            "ModelInputsMissing",
            f"{monitor}_missing_share{at} - {monitor}_reference_missing_share{at} > 0.1",
            "1h",
            "warning",
            f"The input {{{{ $labels.feature }}}} of {model} is missing far more often than in its training data.",
        ),
        _alert(
            "ServerUnreachable",
            f"{monitor}_server_up{at} == 0",
            "5m",
            "critical",
            f"The server of {model} does not answer the monitor.",
        ),
        _alert(
            "MonitorStale",
            f"time() - {monitor}_last_report_timestamp_seconds{at} > "
            f"{_STALE_AFTER} * {monitor}_report_interval_seconds{at}",
            "10m",
            "warning",
            f"There is no new report on {model}, though one was due: see the monitor's log.",
        ),
    ]


def _of_monitor() -> list[dict[str, Any]]:
    return [
        _alert(
            "MonitorAbsent",
            "absent(mlops_stacks_monitor_alarm)",
            "10m",
            "critical",
            "No monitor is collected from: nobody would be told of drift.",
        )
    ]


def _alert(name: str, expression: str, lasting: str | None, severity: str, summary: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"alert": name, "expr": expression}
    if lasting is not None:
        rule["for"] = lasting
    return {**rule, "labels": {"severity": severity}, "annotations": {"summary": summary}}
