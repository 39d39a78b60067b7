"""Latency and errors, read from a server's own metrics page."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops_stacks.runtime.monitoring.server_watch import LOOKS_RUNNING, Counts, ServerWatch, parse_counts, read_counts

START = datetime(2013, 4, 1, tzinfo=UTC)
LIMITS: Any = {"latency_p99_ms": 100.0, "error_rate_percent": 5.0}


def _counts(requests: float, errors: float = 0, slow: float = 0) -> Counts:
    return Counts(requests, errors, {"0.05": requests - slow, "1.0": requests, "+Inf": requests})


def _watched(looks: list[Counts | None], watch: ServerWatch | None = None) -> ServerWatch:
    watch = watch or ServerWatch(LIMITS, "1")
    for number, counts in enumerate(looks):
        watch.look(counts, START + timedelta(minutes=number))
        watch = ServerWatch.remembered(LIMITS, "1", watch.document(START))  # as after a kill
    return watch


_COUNTING = """
from mlops_stacks.runtime.serving.metrics import Metrics
metrics = Metrics("delay", "1")
for code, seconds in ((200, 0.004), (200, 0.02), (500, 0.2)):
    metrics.answered("predict", code, seconds)
metrics.answered("infer", 200, 0.004)
print(metrics.text()[0].decode())
"""


def test_the_real_metrics_page_is_understood() -> None:
    # In a process of its own, without the shared counts that Feast arranges for wherever it is imported.
    own = {name: value for name, value in os.environ.items() if "MULTIPROC" not in name.upper()}
    page = subprocess.run([sys.executable, "-c", _COUNTING], capture_output=True, text=True, check=True, env=own)
    counts = parse_counts(page.stdout)
    assert (counts.requests, counts.errors, counts.error_rate_percent) == (4, 1, 25.0)
    assert counts.latency_p99_ms == 250
    assert counts.buckets["0.005"] == 2


def test_steady_traffic_is_no_alarm() -> None:
    assert _watched([_counts(100 * n, errors=n, slow=n / 2) for n in range(20)]).alarms == []


@pytest.mark.parametrize(("kind", "bad"), [("errors", {"errors": 10}), ("latency", {"slow": 10})])
def test_bad_looks_running_are_one_alarm_and_good_ones_end_it(kind: str, bad: dict[str, float]) -> None:
    looks = [_counts(100 * n, **{name: value * n for name, value in bad.items()}) for n in range(LOOKS_RUNNING + 3)]
    watch = _watched(looks)  # type: ignore[arg-type]
    assert [(alarm["kind"], alarm["resolved"]) for alarm in watch.alarms] == [(kind, None)]
    last = looks[-1]
    good = [
        Counts(last.requests + 100 * n, last.errors, {b: c + 100 * n for b, c in last.buckets.items()})
        for n in range(1, LOOKS_RUNNING + 2)
    ]
    (alarm,) = _watched(good, watch).alarms  # type: ignore[arg-type]
    assert alarm["resolved"] is not None


def test_a_few_requests_say_nothing() -> None:
    assert _watched([_counts(n, errors=n) for n in range(0, 40, 2)]).alarms == []


def test_a_server_that_started_anew_counts_from_zero() -> None:
    assert _counts(30).since(_counts(1000, errors=500)) == _counts(30)


def test_a_server_that_does_not_answer_is_an_alarm() -> None:
    assert read_counts("http://127.0.0.1:9") is None
    assert _watched([None] * (LOOKS_RUNNING - 1)).alarms == []
    assert [alarm["kind"] for alarm in _watched([None] * LOOKS_RUNNING).alarms] == ["unreachable"]


def test_another_version_ends_the_alarms_of_the_last_one() -> None:
    watch = _watched([None] * LOOKS_RUNNING)
    (alarm,) = ServerWatch.remembered(LIMITS, "2", watch.document(START)).alarms
    assert alarm["resolved"] == START.isoformat()
