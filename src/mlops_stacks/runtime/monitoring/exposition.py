"""What the monitor found, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mlops_stacks.runtime.monitoring.alarms import AlarmKind
from mlops_stacks.runtime.monitoring.status import ModelStatus

_PREFIX = "mlops_stacks_monitor_"


class _Found(Collector):
    """Metrics that are made of the documents when they are asked for."""

    def __init__(self, statuses: Iterable[ModelStatus], intervals: Mapping[str, float]) -> None:
        self._statuses, self._intervals = list(statuses), intervals

    def collect(self) -> Iterator[Metric]:
        """Every metric of every model."""
        yield from self._alarms()
        yield from self._reports()
        yield from self._features()
        yield from self._server()

    def _gauge(self, name: str, text: str, labels: Iterable[str], values: Iterable[tuple[list[str], float]]) -> Metric:
        family = GaugeMetricFamily(f"{_PREFIX}{name}", text, labels=list(labels))
        for label_values, value in values:
            family.add_metric(label_values, value)
        return family

    def _alarms(self) -> Iterator[Metric]:
        values = [
            ([s.model, kind.value], float(any(a["kind"] == kind.value and a["resolved"] is None for a in s.alarms)))
            for s in self._statuses
            for kind in AlarmKind
        ]
        yield self._gauge("alarm", "1 while an alarm of this kind is open", ("model", "kind"), values)
        started = [([s.model], float(len(s.retrainings))) for s in self._statuses]
        yield self._gauge("retrainings", "Runs that alarms have started", ("model",), started)

    def _reports(self) -> Iterator[Metric]:
        interval = [([s.model], self._intervals[s.model]) for s in self._statuses if s.model in self._intervals]
        yield self._gauge("report_interval_seconds", "Time between two reports", ("model",), interval)
        seen = [([s.model], _epoch(s.last_report_at or s.first_seen)) for s in self._statuses if s.first_seen]
        yield self._gauge(
            "last_report_timestamp_seconds", "When the last report was due, or watching began", ("model",), seen
        )
        latest = [(s.model, s.last_report) for s in self._statuses if s.last_report]
        rows = [([model], float(report["rows"])) for model, report in latest]
        yield self._gauge("report_rows", "Rows of the last report", ("model",), rows)
        drifted = [([model], float(len(report["drift"]["drifted"]))) for model, report in latest]
        yield self._gauge("drifted_features", "Features over their threshold in the last report", ("model",), drifted)
        metrics = [([m, name], value) for m, r in latest for name, value in r["quality"]["metrics"].items()]
        yield self._gauge("quality", "Quality on rows whose labels have arrived", ("model", "metric"), metrics)

    def _features(self) -> Iterator[Metric]:
        latest = [(s.model, s.last_report) for s in self._statuses if s.last_report]
        features = [(m, name, found) for m, r in latest for name, found in r["drift"]["features"].items()]
        labels = ("model", "feature")
        scores = [([m, name], found["score"]) for m, name, found in features]
        yield self._gauge("drift_score", "Distance from the reference in the last report", labels, scores)
        limits = [([m, name], found["threshold"]) for m, name, found in features]
        yield self._gauge("drift_threshold", "Largest distance that is no drift", labels, limits)
        answers = [([m], r["drift"]["prediction"]["score"]) for m, r in latest if r["drift"]["prediction"]]
        yield self._gauge(
            "prediction_drift_score", "Distance of the predictions from the reference's", ("model",), answers
        )
        data = [(m, name, found) for m, r in latest for name, found in r["data"].items()]
        for key, name, text in (
            ("missing_share", "missing_share", "Share of rows without a value"),
            ("reference_missing_share", "reference_missing_share", "The same in the reference"),
            ("unseen_share", "unseen_share", "Share of values beyond what the reference has seen"),
        ):
            values = [([m, feature], found[key]) for m, feature, found in data]
            yield self._gauge(name, text, labels, values)

    def _server(self) -> Iterator[Metric]:
        seen = [(s.model, s.server) for s in self._statuses if s.server]
        up = [([model], float(bool(server["reachable"]))) for model, server in seen]
        yield self._gauge("server_up", "Whether the server answered when it was last looked at", ("model",), up)


def metrics_page(statuses: Iterable[ModelStatus], intervals: Mapping[str, float]) -> bytes:
    """The page in Prometheus' text format. `intervals`: model -> seconds between two reports."""
    registry = CollectorRegistry()
    registry.register(_Found(statuses, intervals))
    return generate_latest(registry)


def _epoch(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0
