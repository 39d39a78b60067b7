"""Starts pipelines when they are due: one long-lived process that a supervisor may kill and restart at any time.

A due run is named after the moment it was due, and the runner refuses a run that exists, so none is started twice.
After a time in which nothing could start (the machine slept, the scheduler was down), the last missed moment is made
up for, once; earlier ones are not. Moments before a schedule was first seen are never made up for.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlops_components.spec.pipeline import Schedule
from mlops_stacks.runtime.documents import PipelineDefinition, pipeline_definition, schedule_settings
from mlops_stacks.runtime.errors import RuntimeFault, SettingsError
from mlops_stacks.runtime.process import runtime_command, start, stop
from mlops_stacks.runtime.run_status import STATUS, write_json

RECORD = ".schedule.json"
"""File of the runs folder: the schedule as last seen, since when, and the last run that it started."""

_LONGEST_SLEEP = 20.0
"""Seconds; the clock may be set, and the documents may change."""

logger = logging.getLogger("mlops_stacks.schedule")

Starter = Callable[[Path, str], "subprocess.Popen[bytes]"]


def schedule_command(settings_uri: str) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    scheduler = Scheduler()
    try:
        while not stopping.is_set():
            paths = [Path(path) for path in schedule_settings(settings_uri)["pipelines"]]
            wait_seconds = scheduler.tick(paths, datetime.now(UTC))
            stopping.wait(wait_seconds)
    except RuntimeFault as fault:
        sys.stderr.write(f"error: {fault}\n")
        return fault.exit_code
    finally:
        scheduler.close()
    return 0


def last_due(schedule: Schedule, now: datetime) -> datetime:
    """The last moment up to `now` (aware) at which the schedule was due, in UTC. Raises `SettingsError`."""
    # croniter's last moment is strictly before: one second on, one that is just now counts.
    moments = _moments(schedule, now + timedelta(seconds=1))
    moment: datetime = moments.get_prev(datetime)
    if _is_repeated(moment) and "*" not in schedule["cron"].split()[1]:
        # The night that ends summer time has an hour twice; what names its hour is due in the first of the two.
        moment = moment.replace(fold=0)
    return moment.astimezone(UTC)


def _is_repeated(moment: datetime) -> bool:
    """Whether the clock showed this time an hour before, too."""
    return moment.utcoffset() != moment.replace(fold=0).utcoffset()


def next_due(schedule: Schedule, now: datetime) -> datetime:
    """The first moment after `now` (aware) at which the schedule is due, in UTC. Raises `SettingsError`."""
    moment: datetime = _moments(schedule, now).get_next(datetime)
    return moment.astimezone(UTC)


def _moments(schedule: Schedule, at: datetime) -> Any:
    from croniter import CroniterError, croniter

    name = schedule.get("timezone") or "UTC"
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"there is no time zone `{name}` (IANA names, e.g. Europe/Vienna).") from error
    try:
        return croniter(schedule["cron"], at.astimezone(zone).replace(microsecond=0))
    except (CroniterError, ValueError) as error:
        raise SettingsError(f"the schedule `{schedule['cron']}` is not one that cron reads: {error}.") from error


def due_run(schedule: Schedule, record: Mapping[str, Any], now: datetime) -> str | None:
    """The id of the run that is due and was not started yet, by the record; None if there is none."""
    due = last_due(schedule, now)
    if due <= datetime.fromisoformat(record["since"]):
        return None
    run_id = f"scheduled-{due:%Y%m%dT%H%MZ}"
    return None if run_id == record.get("last_run") else run_id


def _start_run(pipeline: Path, run_id: str) -> subprocess.Popen[bytes]:
    runs = Path(pipeline_definition(pipeline)["runs"])
    command = runtime_command("run", "--pipeline", str(pipeline), "--run-id", run_id, "--trigger", "schedule", "--json")
    return start(command, runs / "scheduled.log")


@dataclass
class Scheduler:
    """Looks at each pipeline again and again; what it must remember is in files."""

    starter: Starter = _start_run
    _running: dict[Path, subprocess.Popen[bytes]] = field(default_factory=dict)

    def tick(self, pipelines: list[Path], now: datetime) -> float:
        """Start what is due; returns the seconds until it is worth looking again."""
        waits = [self._look_at(path, now) for path in pipelines]
        return max(0.1, min([_LONGEST_SLEEP, *waits]))

    def close(self) -> None:
        """Stop the runs that are under way."""
        for process in self._running.values():
            stop(process)

    def _look_at(self, path: Path, now: datetime) -> float:
        """Start the pipeline if it is due; one that cannot be read must not keep the others from starting."""
        try:
            definition = pipeline_definition(path)
            schedule = definition["pipeline"]["schedule"]
            if schedule is None or self._busy(path):
                return _LONGEST_SLEEP
            self._start_if_due(path, definition, schedule, now)
            return (next_due(schedule, now) - now).total_seconds()
        except SettingsError as error:
            logger.error("%s", error)  # noqa: TRY400 - the sentence says it all
            return _LONGEST_SLEEP

    def _busy(self, path: Path) -> bool:
        process = self._running.get(path)
        if process is None:
            return False
        if process.poll() is None:
            return True
        logger.info("the run of %s ended with code %d", path.name, process.returncode)
        del self._running[path]
        return False

    def _start_if_due(self, path: Path, definition: PipelineDefinition, schedule: Schedule, now: datetime) -> None:
        """A run that could not begin, because one by hand was under way, left no status and is tried again."""
        runs = Path(definition["runs"])
        record = _record(runs, schedule, now)
        run_id = due_run(schedule, record, now)
        if run_id is None:
            return
        if (runs / run_id / STATUS).exists():
            write_json(runs / RECORD, {**record, "last_run": run_id})
            return
        logger.info("starting %s of %s", run_id, definition["pipeline"]["name"])
        self._running[path] = self.starter(path, run_id)


def _record(runs: Path, schedule: Schedule, now: datetime) -> dict[str, Any]:
    """What is remembered of this schedule; another schedule counts from now."""
    path = runs / RECORD
    if path.exists():
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record.get("schedule") == schedule:
            return record
    record = {"schedule": dict(schedule), "since": now.isoformat(), "last_run": None}
    write_json(path, record)
    return record
