"""The dashboards of an environment: a row of graphs for each model, and the state of its alarms.

Source: CloudWatch API Reference, "Dashboard Body Structure and Syntax". One dashboard takes 500 widgets, so that many
models are spread over several.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from mlops_components.monitoring.aws_alarms import metric_row
from mlops_components.monitoring.aws_kinds import DATA_QUALITY, kinds_of
from mlops_components.monitoring.aws_metrics import DRIFTED_FEATURES, VIOLATIONS, Metric, counted, service_metrics
from mlops_components.monitoring.sagemaker_args import AwsWatchedModel
from mlops_components.placement import AwsPlacement

MODELS_ON_ONE = 80
"""500 widgets, and at most six for a model."""
_HEIGHT, _WIDTH = 6, 6


def dashboard_body(
    placement: AwsPlacement,
    models: Mapping[str, AwsWatchedModel],
    alarms: Mapping[str, Sequence[pulumi.Input[str]]],
) -> pulumi.Output[str]:
    """The document of one dashboard. `alarms`: model -> ARNs of its alarms."""
    widgets: list[Any] = []
    for number, (model, watched) in enumerate(sorted(models.items())):
        top = number * (_HEIGHT * 2 + 1)
        widgets.append(_heading(model, watched, top))
        for position, widget in enumerate(_graphs(placement, model, watched, alarms[model])):
            column, row = position % 4, position // 4
            widgets.append({**widget, "x": column * _WIDTH, "y": top + 1 + row * _HEIGHT})
    return pulumi.Output.json_dumps({"widgets": widgets}, sort_keys=True)


def _heading(model: str, watched: AwsWatchedModel, top: int) -> dict[str, Any]:
    text = f"## {model}, version {watched['version']}"
    return {"type": "text", "x": 0, "y": top, "width": 24, "height": 1, "properties": {"markdown": text}}


def _graphs(
    placement: AwsPlacement, model: str, watched: AwsWatchedModel, alarms: Sequence[pulumi.Input[str]]
) -> Iterator[dict[str, Any]]:
    shown, region = service_metrics(watched), placement["region"]
    if "requests" in shown:
        yield _graph(region, "Time to answer", {name: shown[name] for name in ("p50", "p95", "p99")})
        yield _graph(region, "Requests and errors", {name: shown[name] for name in ("requests", "4xx", "5xx")})
    loads: dict[str, Metric] = {name: shown[name] for name in ("cpu", "memory", "gpu", "gpu_memory") if name in shown}
    if loads:
        yield _graph(region, "Load in percent", loads)
    found = {
        kind.name.replace("_", " "): counted(placement, model, watched, kind, VIOLATIONS) for kind in kinds_of(watched)
    }
    if DATA_QUALITY in kinds_of(watched):
        found["drifted features"] = counted(placement, model, watched, DATA_QUALITY, DRIFTED_FEATURES)
    if found:
        yield _graph(region, "Found by the monitors", found)
    yield _box("alarm", {"title": "Alarms", "alarms": list(alarms)})


def _graph(region: str, title: str, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    rows = [metric_row(metric, name) for name, metric in metrics.items()]
    return _box("metric", {"title": title, "region": region, "view": "timeSeries", "stacked": False, "metrics": rows})


def _box(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "width": _WIDTH, "height": _HEIGHT, "properties": dict(properties)}
