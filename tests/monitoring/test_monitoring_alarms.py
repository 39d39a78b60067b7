"""Alarms are raised and resolved once each, whatever is computed again; a retraining is started once for an alarm."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.monitoring.alarms import Alarm, AlarmKind, alarms_of
from mlops_stacks.runtime.monitoring.places import Places
from mlops_stacks.runtime.monitoring.retraining import Retrainer, due_retraining
from mlops_stacks.runtime.monitoring.status import acknowledge, status_of_model

START = datetime(2013, 4, 1, tzinfo=UTC)


def _summary(number: int, bad: bool | None, *, every: int = 7, version: str = "1") -> dict[str, Any]:
    until = START + timedelta(days=every * number)
    return {
        "report": f"{until:%Y%m%d}-v{version}",
        "version": version,
        "until": until.isoformat(),
        "window_days": 7,
        "windows_running": 2,
        "drift": {"bad": bad, "reason": "3 features have drifted"},
        "quality": {"bad": None, "reason": "0 labels are too few to tell"},
    }


def _alarms(*bad: bool | None, every: int = 7) -> list[Alarm]:
    return alarms_of([_summary(number, one, every=every) for number, one in enumerate(bad)], {})


def test_one_drifted_week_is_no_alarm() -> None:
    assert _alarms(False, True, False, True, False) == []


def test_two_weeks_running_are_one_alarm_however_long_they_last() -> None:
    (alarm,) = _alarms(False, True, True, True, True)
    assert (alarm.kind, alarm.state, alarm.raised) == ("drift", "raised", (START + timedelta(days=14)).isoformat())


def test_two_good_weeks_running_resolve_it_and_a_new_drift_is_another_alarm() -> None:
    first, second = _alarms(True, True, False, True, False, False, True, True)
    assert first.resolved == (START + timedelta(days=35)).isoformat()
    assert second.resolved is None
    assert first.name != second.name


def test_a_week_with_too_few_rows_says_nothing_in_either_direction() -> None:
    (alarm,) = _alarms(True, None, True, None, False)
    assert alarm.resolved is None


def test_daily_reports_on_overlapping_weeks_are_not_taken_for_weeks() -> None:
    assert _alarms(*[True] * 7, every=1) == []
    (alarm,) = _alarms(*[True] * 8, every=1)
    assert alarm.raised == (START + timedelta(days=7)).isoformat()


def test_another_version_ends_the_alarm_on_the_last_one() -> None:
    (alarm,) = alarms_of([_summary(0, True), _summary(1, True), _summary(2, None, version="2")], {})
    assert alarm.resolved == (START + timedelta(days=14)).isoformat()


@given(st.lists(st.sampled_from([True, False, None]), max_size=30))
def test_alarms_never_overlap_and_more_reports_never_change_the_past(bad: list[bool | None]) -> None:
    """So a monitor that was killed and computes again raises nothing twice."""
    alarms = _alarms(*bad)
    for earlier, later in pairwise(alarms):
        assert earlier.resolved is not None
        assert earlier.resolved <= later.raised
    for count in range(len(bad)):
        before = _alarms(*bad[:count])
        assert [alarm.name for alarm in before] == [alarm.name for alarm in alarms[: len(before)]]


def _pipeline(folder: Path) -> Path:
    (folder / "pipeline.json").write_text(json.dumps({"runs": "runs"}))
    return folder / "pipeline.json"


class _Runner:
    """Starts nothing but notes it; `begins` says whether the run leaves a status, as the real runner does."""

    def __init__(self, folder: Path, begins: bool = True) -> None:
        self.folder, self.begins, self.started = folder, begins, list[str]()

    def __call__(self, _pipeline: Path, run_id: str, _log: Path) -> subprocess.Popen[bytes]:
        self.started.append(run_id)
        status = self.folder / "runs" / run_id / "status.json"
        if self.begins and not status.exists():
            status.parent.mkdir(parents=True)
            status.write_text("{}")
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process


def _drift(number: int, *, resolved: bool = False) -> Alarm:
    moment = (START + timedelta(days=number)).isoformat()
    return Alarm(f"drift-{number}", AlarmKind.DRIFT, "1", moment, "drift", moment if resolved else None)


def _retrainer(folder: Path, runner: _Runner, hours: float = 24) -> Retrainer:
    settings: Any = {"on_drift": True, "cooldown_hours": hours, "pipeline": str(_pipeline(folder))}
    return Retrainer(Places(folder / "model"), settings, runner)


def test_an_alarm_starts_one_run_however_often_the_monitor_looks_or_is_started_anew(tmp_path: Path) -> None:
    runner = _Runner(tmp_path)
    for hour in range(200):
        _retrainer(tmp_path, runner).tick([_drift(0)], START + timedelta(hours=hour))
    assert runner.started == ["drift-0"]


def test_a_run_that_began_before_the_monitor_could_note_it_is_not_started_again(tmp_path: Path) -> None:
    _Runner(tmp_path)(tmp_path, "drift-0", tmp_path)
    runner = _Runner(tmp_path)
    assert _retrainer(tmp_path, runner).tick([_drift(0)], START) is None
    assert runner.started == []


def test_a_run_that_could_not_begin_is_tried_again(tmp_path: Path) -> None:
    busy = _Runner(tmp_path, begins=False)
    retrainer = _retrainer(tmp_path, busy)
    assert retrainer.tick([_drift(0)], START) == "drift-0"
    busy.begins = True
    assert retrainer.tick([_drift(0)], START + timedelta(minutes=1)) == "drift-0"
    assert retrainer.tick([_drift(0)], START + timedelta(minutes=2)) is None


def test_no_second_start_within_the_cooldown(tmp_path: Path) -> None:
    runner = _Runner(tmp_path)
    retrainer = _retrainer(tmp_path, runner, hours=48)
    retrainer.tick([_drift(0)], START)
    retrainer.tick([_drift(0)], START)
    for hour in (1, 24, 47):
        assert retrainer.tick([_drift(0, resolved=True), _drift(1)], START + timedelta(hours=hour)) is None
    assert retrainer.tick([_drift(0, resolved=True), _drift(1)], START + timedelta(hours=49)) == "drift-1"


@pytest.mark.parametrize("changes", [{"on_drift": False}, {"pipeline": None}])
def test_nothing_starts_unless_it_is_asked_for(changes: dict[str, Any]) -> None:
    settings: Any = {"on_drift": True, "cooldown_hours": 0, "pipeline": "pipeline.json", **changes}
    assert due_retraining([_drift(0)], {}, settings, START) is None


def test_only_an_open_alarm_on_drift_starts_a_run() -> None:
    settings: Any = {"on_drift": True, "cooldown_hours": 0, "pipeline": "pipeline.json"}
    errors = Alarm("errors-1", AlarmKind.ERRORS, "1", START.isoformat(), "errors")
    assert due_retraining([_drift(0, resolved=True), errors], {}, settings, START) is None


def test_a_person_takes_note_of_an_open_alarm_only(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.alarms.write_text(json.dumps([_drift(0).document(), _drift(1, resolved=True).document()]))
    acknowledge(places, "drift-0", "ada@example.com")
    with pytest.raises(SettingsError, match="no open alarm `drift-1`"):
        acknowledge(places, "drift-1", "ada@example.com")
    assert json.loads(places.acknowledged.read_text()) == {"drift-0": "ada@example.com"}
    noted = alarms_of([_summary(0, True), _summary(1, True)], {"drift-20130408-v1": "ada@example.com"})
    assert noted[0].state == "acknowledged"
    assert [alarm["name"] for alarm in status_of_model("delay", places).open_alarms] == ["drift-0"]
