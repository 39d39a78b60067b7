"""What the server counts, for Prometheus."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_SHARED = "MLOPS_STACKS_SHARED_COUNTS"
"""Our own word for it: Feast sets Prometheus' one wherever it is imported."""
_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_VALUES = tuple(i / 10 for i in range(11))
"""Bounds of the predictions' histogram: made for probabilities; other numbers are told by the sum and the count."""

_MOST_CLASSES = 50


@contextmanager
def shared_between_processes() -> Iterator[None]:
    """Have all worker processes that are started in the block count together, before any of them makes a metric."""
    with tempfile.TemporaryDirectory(prefix="mlops-stacks-metrics-") as folder:
        os.environ |= {_MULTIPROCESS: folder, _SHARED: folder}
        try:
            yield
        finally:
            del os.environ[_MULTIPROCESS], os.environ[_SHARED]


class Metrics:
    """Counters of one model's server."""

    def __init__(self, model: str, version: str) -> None:
        """Make the metrics, in a registry of their own."""
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        registry = self._registry = CollectorRegistry()
        labels = {"model": model, "version": version}

        def named(kind: Any, name: str, text: str, more: Sequence[str] = (), **options: Any) -> Any:
            made = kind(f"mlops_stacks_{name}", text, [*labels, *more], registry=registry, **options)
            return made if more else made.labels(**labels)

        self._labels = labels
        self._requests = named(Counter, "requests", "Requests for a prediction", ["route", "code"])
        self._errors = named(Counter, "errors", "Requests that were answered with an error", ["route", "code"])
        self._latency = named(Histogram, "request_seconds", "Time to answer", ["route"], buckets=_LATENCIES)
        self._rows = named(Counter, "rows", "Rows predicted")
        self._values = named(Histogram, "prediction", "Predictions that are numbers", buckets=_VALUES)
        self._classes = named(Counter, "predicted_class", "Predictions that are classes", ["class"])
        self.dropped = named(Counter, "capture_dropped", "Rows that capture could not keep")
        named(Gauge, "model_info", "The model that is served", **_newest()).set(1)
        self._seen_classes: set[str] = set()

    def answered(self, route: str, code: int, seconds: float) -> None:
        """Count a request and its time; a code from 400 on is an error too."""
        labels = {**self._labels, "route": route}
        self._requests.labels(**labels, code=str(code)).inc()
        self._latency.labels(**labels).observe(seconds)
        if code >= 400:
            self._errors.labels(**labels, code=str(code)).inc()

    def predicted(self, values: Sequence[Any]) -> None:
        """Count predictions by value, or by class; classes beyond the first 50 are counted as `other`."""
        self._rows.inc(len(values))
        for value in values:
            if isinstance(value, float):
                self._values.observe(value)
            elif value is not None:
                self._classes.labels(**self._labels, **{"class": self._class(str(value))}).inc()

    def text(self) -> tuple[bytes, str]:
        """All counts in Prometheus' text format, and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if _SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, os.environ[_SHARED])  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def _class(self, name: str) -> str:
        if name not in self._seen_classes and len(self._seen_classes) >= _MOST_CLASSES:
            return "other"
        self._seen_classes.add(name)
        return name


def _newest() -> dict[str, str]:
    return {"multiprocess_mode": "mostrecent"} if _SHARED in os.environ else {}
