"""When scheduled runs start: on time, once, and after an outage only the last missed one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime_helpers import started, step_settings_document, write_document, write_pipeline
from waiting import eventually

from mlops_components.spec.pipeline import Schedule
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.run_status import STATUS
from mlops_stacks.runtime.scheduler import Scheduler, last_due, next_due

DAILY = {"cron": "0 3 * * *", "timezone": "UTC"}


class Clockwork:
    """A scheduler with starts that are recorded instead of done, and processes that end at once."""

    def __init__(self, folder: Path, schedule: dict[str, str] | None) -> None:
        self.pipeline = write_pipeline(folder, step_settings_document())
        self.set_schedule(schedule)
        self.runs = folder / "runs"
        self.starts: list[str] = []
        self.begins = True
        self.restart()

    def set_schedule(self, schedule: dict[str, str] | None) -> None:
        document = json.loads(self.pipeline.read_text())
        document["pipeline"]["schedule"] = schedule
        self.pipeline.write_text(json.dumps(document))

    def restart(self) -> None:
        self.scheduler = Scheduler(starter=self._start)

    def at(self, moment: str) -> float:
        return self.scheduler.tick([self.pipeline], datetime.fromisoformat(moment).replace(tzinfo=UTC))

    def _start(self, pipeline: Path, run_id: str) -> subprocess.Popen[bytes]:
        self.starts.append(run_id)
        if self.begins:
            write_document(self.runs / run_id / STATUS, {"state": "succeeded"})
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process


def test_starts_when_due_and_only_once(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path, DAILY)
    clock.at("2026-01-01T12:00")
    clock.at("2026-01-02T02:59:50")
    assert clock.starts == []
    for moment in ("2026-01-02T03:00", "2026-01-02T03:00:30", "2026-01-02T09:00"):
        clock.at(moment)
    assert clock.starts == ["scheduled-20260102T0300Z"]
    clock.at("2026-01-03T03:00:01")
    assert clock.starts == ["scheduled-20260102T0300Z", "scheduled-20260103T0300Z"]


def test_a_restart_does_not_start_a_due_run_twice(tmp_path: Path) -> None:
    """Killed right after the start, before anything was written down: the run's own folder is the proof."""
    clock = Clockwork(tmp_path, DAILY)
    clock.at("2026-01-01T12:00")
    clock.at("2026-01-02T03:00")
    clock.restart()
    clock.at("2026-01-02T03:00:01")
    clock.restart()
    clock.at("2026-01-02T04:00")
    assert clock.starts == ["scheduled-20260102T0300Z"]


def test_after_an_outage_the_last_missed_run_is_made_up_for(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path, DAILY)
    clock.at("2026-01-01T12:00")
    clock.restart()
    clock.at("2026-01-09T12:00")
    clock.at("2026-01-09T13:00")
    assert clock.starts == ["scheduled-20260109T0300Z"]


def test_moments_before_the_schedule_was_seen_do_not_count(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path, DAILY)
    clock.at("2026-01-01T03:00:01")
    assert clock.starts == []
    clock.at("2026-01-02T03:00:01")
    clock.set_schedule({"cron": "0 2 * * *", "timezone": "UTC"})
    clock.at("2026-01-02T04:00")
    assert clock.starts == ["scheduled-20260102T0300Z"]


def test_a_run_that_could_not_begin_is_tried_again(tmp_path: Path) -> None:
    """A run by hand held the lock: the due one follows it."""
    clock = Clockwork(tmp_path, DAILY)
    clock.at("2026-01-01T12:00")
    clock.begins = False
    clock.at("2026-01-02T03:00")
    clock.begins = True
    clock.at("2026-01-02T03:00:20")
    clock.at("2026-01-02T03:00:40")
    clock.at("2026-01-02T03:01")
    assert clock.starts == ["scheduled-20260102T0300Z"] * 2


def test_sleeps_until_the_next_moment_but_not_longer_than_documents_may_change(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path, DAILY)
    assert clock.at("2026-01-01T12:00") == 20
    assert clock.at("2026-01-02T02:59:55") == pytest.approx(5, abs=0.01)
    clock.set_schedule(None)
    assert clock.at("2026-01-03T03:00") == 20


def test_a_broken_definition_does_not_keep_others_from_starting(tmp_path: Path) -> None:
    clock = Clockwork(tmp_path, DAILY)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for moment in (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 2, 3, tzinfo=UTC)):
        clock.scheduler.tick([broken, clock.pipeline], moment)
    assert clock.starts == ["scheduled-20260102T0300Z"]


def test_time_zones_and_summer_time() -> None:
    vienna: Schedule = {"cron": "30 2 * * *", "timezone": "Europe/Vienna"}
    winter, summer = datetime(2026, 1, 10, 12, tzinfo=UTC), datetime(2026, 7, 10, 12, tzinfo=UTC)
    assert last_due(vienna, winter) == datetime(2026, 1, 10, 1, 30, tzinfo=UTC)
    assert last_due(vienna, summer) == datetime(2026, 7, 10, 0, 30, tzinfo=UTC)
    # 02:30 happens twice on 25 October, and is due in the first hour only.
    after = datetime(2026, 10, 25, 6, tzinfo=UTC)
    assert last_due(vienna, after) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    hourly: Schedule = {"cron": "30 * * * *", "timezone": "Europe/Vienna"}
    assert last_due(hourly, datetime(2026, 10, 25, 1, 40, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(
    st.sampled_from(["*/7 * * * *", "0 3 * * *", "15 6 * * 1-5", "0 0 1 * *"]),
    st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)),
)
def test_now_lies_between_last_and_next(cron: str, timezone: str, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    schedule: Schedule = {"cron": cron, "timezone": timezone}
    assert last_due(schedule, now) <= now + timedelta(seconds=1)
    assert now - timedelta(seconds=1) < next_due(schedule, now)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"cron": "61 * * * *"}, "not one that cron reads"),
        ({"cron": "whenever"}, "not one that cron reads"),
        ({"cron": "0 3 * * *", "timezone": "Mars/Olympus"}, "no time zone `Mars/Olympus`"),
    ],
)
def test_a_wrong_schedule_is_a_sentence(schedule: Schedule, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        next_due(schedule, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_process_starts_runs_and_ends_when_asked(tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path, step_settings_document())
    document = json.loads(pipeline.read_text())
    document["pipeline"]["schedule"] = DAILY
    document["pipeline"]["steps"] = document["pipeline"]["steps"][:1]
    pipeline.write_text(json.dumps(document))
    since = {"schedule": DAILY, "since": "2026-01-01T00:00:00+00:00", "last_run": None}
    write_document(tmp_path / "runs" / ".schedule.json", since)
    settings = write_document(tmp_path / "schedule.json", {"pipelines": [str(pipeline)]})
    process = started("schedule", "--settings", settings)
    eventually(lambda: list(tmp_path.glob("runs/scheduled-*/extract.json")))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    (status,) = tmp_path.glob("runs/scheduled-*/status.json")
    assert json.loads(status.read_text())["trigger"] == "schedule"
