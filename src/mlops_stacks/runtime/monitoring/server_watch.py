"""Latency and errors of a server, read from its own metrics page between two looks at it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from mlops_components.spec.monitoring import Limits
from mlops_stacks.runtime.monitoring.alarms import Alarm, AlarmKind

INTERVAL_SECONDS = 60.0
"""How often a server is looked at."""
FEWEST_REQUESTS = 20
"""Fewer requests between two looks say nothing about a percentile or a share."""
LOOKS_RUNNING = 5
"""So many looks in a row must be bad for an alarm, and good for its end."""

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a server has counted since it started."""

    requests: float = 0.0
    errors: float = 0.0
    buckets: dict[str, float] = field(default_factory=dict)
    """Upper bound in seconds, as the page writes it -> answers up to it."""

    def since(self, earlier: Counts) -> Counts:
        """What was counted since; a server that started anew has counted everything since."""
        if self.requests < earlier.requests:
            return self
        buckets = {bound: count - earlier.buckets.get(bound, 0.0) for bound, count in self.buckets.items()}
        return Counts(self.requests - earlier.requests, self.errors - earlier.errors, buckets)

    @property
    def error_rate_percent(self) -> float:
        """Share of requests answered with an error."""
        return 100 * self.errors / self.requests if self.requests else 0.0

    @property
    def latency_p99_ms(self) -> float:
        """The bound below which 99 % of answers were; infinite beyond the last one."""
        bounds = sorted((float(bound), count) for bound, count in self.buckets.items())
        total = bounds[-1][1] if bounds else 0.0
        return next((bound * 1000 for bound, count in bounds if total and count >= 0.99 * total), 0.0)


def read_counts(endpoint: str) -> Counts | None:
    """What the server at `endpoint` has counted; None where it does not answer."""
    try:
        with urllib.request.urlopen(f"{endpoint}/metrics", timeout=_SECONDS) as answer:  # noqa: S310 - http, ours
            return parse_counts(answer.read().decode())
    except (urllib.error.URLError, OSError, ValueError):
        return None


def parse_counts(page: str) -> Counts:
    """Sum the server's metrics over their labels. Raises `ValueError` for a page that is not Prometheus' format."""
    from prometheus_client.parser import text_string_to_metric_families

    requests = errors = 0.0
    buckets: dict[str, float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == "mlops_stacks_requests_total":
                requests += sample.value
            elif sample.name == "mlops_stacks_errors_total":
                errors += sample.value
            elif sample.name == "mlops_stacks_request_seconds_bucket":
                bound = sample.labels["le"]
                buckets[bound] = buckets.get(bound, 0.0) + sample.value
    return Counts(requests, errors, buckets)


@dataclass
class ServerWatch:
    """Looks at one server again and again; what it remembers is `document`."""

    limits: Limits
    version: str
    counts: Counts | None = None
    reachable: bool | None = None
    latency_p99_ms: float | None = None
    error_rate_percent: float | None = None
    running: dict[str, int] = field(default_factory=dict)
    """Kind of alarm -> looks in a row that were bad (positive) or good (negative)."""
    alarms: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    def remembered(limits: Limits, version: str, document: Mapping[str, Any] | None) -> ServerWatch:
        """As it was when it wrote `document`; another version starts anew, and ends the alarms of the last one."""
        watch = ServerWatch(limits, version)
        if document is None:
            return watch
        watch.alarms = [dict(alarm) for alarm in document["alarms"]]
        if document["version"] == version:
            watch.running = dict(document["running"])
            watch.counts = Counts(**document["counts"]) if document["counts"] else None
        else:
            for alarm in watch.alarms:
                alarm["resolved"] = alarm["resolved"] or document["seen"]
        return watch

    def document(self, now: datetime) -> dict[str, Any]:
        """What to remember."""
        return {
            "version": self.version,
            "seen": now.isoformat(),
            "reachable": self.reachable,
            "latency_p99_ms": self.latency_p99_ms,
            "error_rate_percent": self.error_rate_percent,
            "counts": asdict(self.counts) if self.counts else None,
            "running": self.running,
            "alarms": self.alarms,
        }

    def look(self, counts: Counts | None, now: datetime) -> None:
        """Take note of what the server has counted by `now`."""
        self.reachable = counts is not None
        self._judge(AlarmKind.UNREACHABLE, not self.reachable, "the server does not answer", now)
        if counts is None:
            return
        recent = counts.since(self.counts or Counts())
        first, self.counts = self.counts is None, counts
        if first or recent.requests < FEWEST_REQUESTS:
            return
        self.latency_p99_ms, self.error_rate_percent = recent.latency_p99_ms, recent.error_rate_percent
        slow, failing = self.limits["latency_p99_ms"], self.limits["error_rate_percent"]
        reason = f"99 % of answers take up to {self.latency_p99_ms:g} ms, more than {slow:g} ms"
        self._judge(AlarmKind.LATENCY, self.latency_p99_ms > slow, reason, now)
        reason = f"{self.error_rate_percent:.1f} % of requests are answered with an error, more than {failing:g} %"
        self._judge(AlarmKind.ERRORS, self.error_rate_percent > failing, reason, now)

    def _judge(self, kind: AlarmKind, bad: bool, reason: str, now: datetime) -> None:
        before = self.running.get(kind.value, 0)
        self.running[kind.value] = max(before, 0) + 1 if bad else min(before, 0) - 1
        opened = next((a for a in self.alarms if a["kind"] == kind.value and a["resolved"] is None), None)
        if bad and opened is None and self.running[kind.value] >= LOOKS_RUNNING:
            name = f"{kind.value}-{now:%Y%m%dT%H%M%SZ}-v{self.version}"
            alarm = Alarm(name, kind, self.version, now.isoformat(), reason)
            self.alarms.append({**alarm.document()})
        elif not bad and opened is not None and self.running[kind.value] <= -LOOKS_RUNNING:
            opened["resolved"] = now.isoformat()
