"""The monitor as the supervisor starts it: real processes, killed at any moment; one retraining for one alarm."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from monitoring_flights import MODEL, WORKLOAD, Flights, monday, monitor_document, write_labels
from runtime_helpers import write_document
from waiting import eventually

from mlops_stacks.runtime.monitoring import report as reports
from mlops_stacks.runtime.monitoring.monitor import Monitor, window_end
from mlops_stacks.runtime.monitoring.places import places_of, summaries
from mlops_stacks.runtime.monitoring.report import report_name
from mlops_stacks.runtime.monitoring.server_watch import Counts
from mlops_stacks.runtime.monitoring.status import read_status
from mlops_stacks.runtime.run_status import read_runs

pytestmark = pytest.mark.slow


def _quick_pipeline(folder: Path) -> Path:
    """A pipeline of one step which fails at once: what matters is how often it is started."""
    settings: dict[str, Any] = {"blueprint": "flights", "environment": "dev", "model": MODEL, "workload": WORKLOAD}
    write_document(folder / "settings.json", settings)
    steps = [{"name": "extract", "depends_on": [], "retries": 0, "timeout_minutes": 1, "compute": {}}]
    spec = {"name": MODEL, "model": MODEL, "steps": steps, "parameters": {}, "schedule": None}
    write_document(folder / "pipeline.json", {"pipeline": spec, "settings": "settings.json", "runs": "runs"})
    return folder / "pipeline.json"


def _watching(flights: Flights, folder: Path, **changes: Any) -> dict[str, Any]:
    retraining = {"on_drift": True, "cooldown_hours": 24, "pipeline": str(_quick_pipeline(folder))}
    return monitor_document(flights, folder, retraining=retraining, **changes)


class _Here:
    """Makes a report in this process, at once; the monitor sees a child that has ended well."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings, self.made = settings, list[datetime]()

    def __call__(self, model: str, until: datetime, _log: Path) -> subprocess.Popen[bytes]:
        self.made.append(until)
        reports.make_report(self.settings["models"][model], places_of(self.settings, model), until)  # type: ignore[arg-type]
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process


def _monitor(settings: dict[str, Any], reporter: Any) -> Monitor:
    return Monitor(settings, reporter, look_at_server=lambda _url: Counts())  # type: ignore[arg-type]


def test_the_summer_timetable_starts_one_retraining_and_not_one_on_each_report(
    flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From March on, looked at twice a day; the monitor is started anew each time, as if it had been killed."""
    monkeypatch.setattr(reports, "_write_pages", lambda *_: None)
    settings = _watching(flights, tmp_path)
    reporter = _Here(settings)
    moment = monday(3, 4)
    while moment <= monday(5, 6) + timedelta(days=1):
        monitor = _monitor(settings, reporter)
        monitor.tick(moment)
        monitor.tick(moment + timedelta(minutes=1))
        runs = read_runs(tmp_path / "runs")
        if (tmp_path / "reports" / MODEL / "retraining.log").exists():
            eventually(lambda: read_runs(tmp_path / "runs"))
        assert moment > monday(4, 22) or not runs
        moment += timedelta(hours=12)
    assert reporter.made == [window_end({"cron": ""}, monday(3, 11) + timedelta(weeks=n)) for n in range(9)]
    (status,) = read_status(tmp_path / "reports")
    (alarm,) = status.alarms
    assert alarm["raised"][:10] == "2013-04-22"
    (run,) = read_runs(tmp_path / "runs")
    assert (run["run_id"], run["trigger"]) == (alarm["name"], "drift")
    assert {one["run_id"] for one in status.retrainings.values()} == {run["run_id"]}


def _prepared(flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A monitor before which the alarm stands: all reports but the last are made, and a report is due now."""
    monkeypatch.setattr(reports, "_write_pages", lambda *_: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**_watching(flights, tmp_path, schedule={"cron": "* * * * *"}), "port": port}
    watched, places = settings["models"][MODEL], places_of(settings, MODEL)  # type: ignore[arg-type]
    for week in (monday(4, 15), monday(4, 22)):
        reports.make_report(watched, places, week.replace(hour=0))
    write_document(tmp_path / "monitor.json", settings)
    seen = {"schedule": watched["schedule"], "since": "2013-01-01T00:00:00+00:00", "last": None}
    write_document(places.first_seen, seen)
    return settings


def test_a_monitor_killed_at_any_moment_starts_one_run_and_makes_each_report_once(
    flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _prepared(flights, tmp_path, monkeypatch)
    command = [sys.executable, "-m", "mlops_stacks.runtime", "monitor", "--settings", str(tmp_path / "monitor.json")]
    pauses = random.Random(0)
    for _ in range(12):
        with (tmp_path / "monitor.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        time.sleep(pauses.uniform(0.1, 2.5))
        process.kill()
        process.wait()
    with (tmp_path / "monitor.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        today = places_of(settings, MODEL).reports / report_name("1", midnight) / "summary.json"  # type: ignore[arg-type]
        eventually(lambda: today.exists() and _page(settings, "/health"), seconds=200)
        eventually(lambda: read_status(tmp_path / "reports")[0].retrainings, seconds=60)
        page = _page(settings, "/metrics")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
    (status,) = read_status(tmp_path / "reports")
    assert [alarm["kind"] for alarm in status.alarms if alarm["kind"] == "drift"] == ["drift"]
    assert [run["trigger"] for run in read_runs(tmp_path / "runs")] == ["drift"]
    assert len(status.retrainings) == 1
    assert 'mlops_stacks_monitor_alarm{kind="drift",model="delay"} 1.0' in page
    assert 'mlops_stacks_monitor_retrainings{model="delay"} 1.0' in page
    drafts = list(places_of(settings, MODEL).reports.glob(".*"))  # type: ignore[arg-type]
    assert drafts == []


def _page(settings: dict[str, Any], path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings['port']}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_labels_that_arrive_become_quality_and_an_alarm_where_it_is_low(
    flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "_write_pages", lambda *_: None)
    settings = monitor_document(flights, tmp_path, limits={"minimum_quality": {"auc": 0.99}})
    watched, places = settings["models"][MODEL], places_of(settings, MODEL)  # type: ignore[arg-type]
    reports.make_report(watched, places, monday(3, 25).replace(hour=0))
    write_labels(flights, tmp_path / "labels")
    for day in (monday(4, 1), monday(4, 8)):
        reports.make_report(watched, places, day.replace(hour=0))
    unlabelled, *labelled = summaries(places)
    assert unlabelled["quality"]["bad"] is None
    for one in labelled:
        assert 0.6 < one["quality"]["metrics"]["auc"] < 0.9
        assert one["quality"]["labelled"] > 0.9 * one["rows"]
    _monitor(settings, _Here(settings)).tick(monday(4, 8))
    (alarm,) = read_status(tmp_path / "reports")[0].open_alarms
    assert alarm["kind"] == "quality"
    assert "auc is 0." in alarm["reason"]


def test_a_report_that_cannot_be_made_says_why_and_is_tried_again(flights: Flights, tmp_path: Path) -> None:
    settings = monitor_document(flights, tmp_path, runs=[str(tmp_path / "nothing")])
    write_document(tmp_path / "monitor.json", settings)
    from mlops_stacks.runtime.monitoring.monitor import reporter_for

    monitor = _monitor(settings, reporter_for(str(tmp_path / "monitor.json")))
    moment = monday(4, 1) - timedelta(minutes=1)
    monitor.tick(moment)
    monitor.tick(moment + timedelta(minutes=1))
    eventually(lambda: "error: " in (tmp_path / "reports" / MODEL / "report.log").read_text(), seconds=100)
    time.sleep(1)
    monitor.tick(moment + timedelta(minutes=2))
    (status,) = read_status(tmp_path / "reports")
    assert status.problem is not None
    assert "no run in" in status.problem
    assert monitor.idle
    monitor.tick(moment + timedelta(minutes=10))
    assert not monitor.idle
    monitor.close()
    assert status.alarms == []
