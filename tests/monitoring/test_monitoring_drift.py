"""Drift on real flights: held-out weeks are quiet, and the summer timetable is found."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from monitoring_flights import MODEL, Flights, monday, monitor_document

from mlops_stacks.runtime.monitoring import report as reports
from mlops_stacks.runtime.monitoring.baseline import baseline_of
from mlops_stacks.runtime.monitoring.distances import calibrated, distances, drifted, windows
from mlops_stacks.runtime.monitoring.places import places_of, summaries
from mlops_stacks.runtime.user_code import load_workload

pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]


def test_each_week_of_the_first_quarter_is_quiet_when_all_others_are_the_reference(flights: Flights) -> None:
    """Thresholds, reference and judgement of a week know nothing of it: no two weeks running have drifted."""
    from flight_delay.workload import workload

    quarter = flights.rows[flights.rows["date"] < "2013-04-01"].reset_index(drop=True)
    weeks = list(windows(quarter["date"], 7))
    assert len(weeks) == 12
    over = []
    for _, mask in weeks:
        others = quarter[~mask].reset_index(drop=True)
        limits = calibrated(others, workload.inputs, others["date"], 7)["thresholds"]
        over.append(len(drifted(distances(others, quarter[mask], workload.inputs), limits)))
    assert not [pair for pair in pairwise(over) if min(pair) >= 3], over


def test_the_summer_timetable_is_the_first_alarm(
    flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weeks from January on, one report each Monday: silent until the week of 16 April is over."""
    from mlops_stacks.runtime.monitoring.alarms import alarms_of

    monkeypatch.setattr(reports, "_write_pages", lambda *_: None)
    settings = monitor_document(flights, tmp_path)
    places = places_of(settings, MODEL)
    moments = [monday(1, 14) + timedelta(weeks=week) for week in range(17)]
    for moment in moments:
        reports.make_report(settings["models"][MODEL], places, moment.replace(hour=0))
    found = summaries(places)
    alarms = alarms_of(found, {})
    assert [alarm.kind for alarm in alarms] == ["drift"], [(s["since"][:10], s["drift"]["drifted"]) for s in found]
    week = next(s for s in found if s["until"] == alarms[0].raised)
    assert week["since"][:10] <= "2013-04-16" < week["until"][:10]
    assert {"dest", "distance", "sched_arr_time"} <= set(week["drift"]["drifted"])
    assert alarms[0].resolved is None


def test_the_same_rows_give_the_same_thresholds(flights: Flights, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        settings = monitor_document(flights, tmp_path / name)
        watched, places = settings["models"][MODEL], places_of(settings, MODEL)
        baseline_of(watched, places, load_workload(watched["workload"]))
        found.append(places.baseline("1", 7).read_bytes())
    assert found[0] == found[1]
    assert json.loads(found[0])["windows"] == 12


def test_a_report_on_one_day(flights: Flights, tmp_path: Path) -> None:
    """By the child that the monitor starts: its page, its numbers (equal to Evidently's own), its seconds."""
    settings = monitor_document(flights, tmp_path, window_days=1)
    document = tmp_path / "monitor.json"
    document.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "mlops_stacks.runtime", "report", "--settings", str(document), "--model", MODEL]
    seconds = []
    for until in ("2013-04-10T00:00:00+00:00", "2013-04-17T00:00:00+00:00"):
        started = time.monotonic()
        ended = subprocess.run([*command, "--until", until], capture_output=True, text=True)
        seconds.append(time.monotonic() - started)
        assert ended.returncode == 0, ended.stderr
        assert "Warning" not in ended.stderr
    # Loading Evidently is most of it. The limit is far beyond what an idle machine needs.
    assert seconds[1] < 60, seconds
    places = places_of(settings, MODEL)
    last = summaries(places)[-1]
    assert last["rows"] == int((flights.rows["date"] == "2013-04-16").sum()) > 900
    folder = places.reports / last["report"]
    assert "<html" in (folder / "report.html").read_text()[:2000].lower()
    evidently = json.loads((folder / "report.json").read_text())
    theirs = {m["config"]["column"]: m["value"] for m in evidently["metrics"] if "ValueDrift" in m["metric_name"]}
    ours: dict[str, Any] = last["drift"]["features"]
    assert set(theirs) == set(ours)
    for name, value in theirs.items():
        assert ours[name]["score"] == pytest.approx(value, rel=1e-6), name
    assert datetime.fromisoformat(last["until"]) == datetime(2013, 4, 17, tzinfo=UTC)
