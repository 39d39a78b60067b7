"""The monitor: one small long-lived process that a supervisor may kill and restart at any time.

It decides when a report is due, has a child make it, computes the alarms from all reports so far, starts a retraining
for a new one, and answers Prometheus. What it must remember is in files, each written whole.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mlops_components.spec.monitoring import MonitorSettings, WatchedModel
from mlops_components.spec.pipeline import Schedule
from mlops_stacks.runtime.errors import RuntimeFault, SettingsError
from mlops_stacks.runtime.monitoring.alarms import Alarm, alarms_of
from mlops_stacks.runtime.monitoring.documents import monitor_settings
from mlops_stacks.runtime.monitoring.places import Places, places_of, read_document, summaries
from mlops_stacks.runtime.monitoring.retraining import Retrainer, Starter, start_detached
from mlops_stacks.runtime.monitoring.server_watch import INTERVAL_SECONDS, Counts, ServerWatch, read_counts
from mlops_stacks.runtime.process import runtime_command, start, stop
from mlops_stacks.runtime.run_status import write_json
from mlops_stacks.runtime.scheduler import last_due, next_due

REPORT_LIMIT_SECONDS = 1800
"""A report that takes longer is stopped and tried again."""
RETRY_SECONDS = 300
"""So long after a report that failed it is tried again."""

_LONGEST_SLEEP = 20.0

logger = logging.getLogger("mlops_stacks.monitor")

Reporter = Callable[[str, datetime, Path], "subprocess.Popen[bytes]"]


def monitor_command(settings_uri: str) -> int:
    """Watch until SIGTERM or SIGINT; returns the exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = monitor_settings(settings_uri)
        monitor = Monitor(settings, reporter_for(settings_uri))
        from mlops_stacks.runtime.monitoring.pages import serve_pages

        with serve_pages(settings, monitor.intervals):
            try:
                while not stopping.is_set():
                    monitor.tick(datetime.now(UTC))
                    stopping.wait(_LONGEST_SLEEP if monitor.idle else 1.0)
            finally:
                monitor.close()
    except RuntimeFault as fault:
        sys.stderr.write(f"error: {fault}\n")
        return fault.exit_code
    return 0


def reporter_for(settings_uri: str) -> Reporter:
    """Starts the child that makes one report."""

    def begin(model: str, until: datetime, log: Path) -> subprocess.Popen[bytes]:
        arguments = ("report", "--settings", settings_uri, "--model", model, "--until", until.isoformat())
        return start(runtime_command(*arguments), log)

    return begin


def window_end(schedule: Schedule, due: datetime) -> datetime:
    """The midnight before a report is due, in the schedule's time zone: where its window ends. In UTC."""
    local = due.astimezone(ZoneInfo(schedule.get("timezone") or "UTC"))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


@dataclass
class _Child:
    """A report that is being made."""

    process: subprocess.Popen[bytes]
    until: datetime
    started: datetime


@dataclass
class Monitor:
    """Looks at each model again and again."""

    settings: MonitorSettings
    reporter: Reporter
    retraining_starter: Starter = start_detached
    look_at_server: Callable[[str], Counts | None] = read_counts
    _children: dict[str, _Child] = field(default_factory=dict)
    _retrainers: dict[str, Retrainer] = field(default_factory=dict)
    _looked: dict[str, datetime] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether no report is being made."""
        return not self._children

    @property
    def intervals(self) -> dict[str, float]:
        """Model -> seconds between its next two reports: a day at least, since windows end at midnight."""
        now = datetime.now(UTC)
        found = {}
        for model, watched in self.settings["models"].items():
            first = next_due(watched["schedule"], now)
            found[model] = max(86_400.0, (next_due(watched["schedule"], first) - first).total_seconds())
        return found

    def tick(self, now: datetime) -> None:
        """Do what is due. A model whose files are damaged must not keep the others from being watched."""
        for model, watched in sorted(self.settings["models"].items()):
            try:
                self._look_at(model, watched, now)
            except SettingsError as error:
                logger.error("%s: %s", model, error)  # noqa: TRY400 - the sentence says it all

    def close(self) -> None:
        """Stop the reports that are being made; retrainings go on."""
        for child in self._children.values():
            stop(child.process)

    def _look_at(self, model: str, watched: WatchedModel, now: datetime) -> None:
        places = places_of(self.settings, model)
        self._look_at_server(model, watched, places, now)
        seen = _seen(places, watched["schedule"], now)
        if not self._reporting(model, places, seen, now):
            self._report_if_due(model, watched, places, seen, now)
        alarms = self._write_alarms(places)
        retrainer = self._retrainers.setdefault(
            model, Retrainer(places, watched["retraining"], self.retraining_starter)
        )
        run = retrainer.tick(alarms, now)
        if run is not None:
            logger.warning("%s: the training pipeline is started as the run %s", model, run)

    def _look_at_server(self, model: str, watched: WatchedModel, places: Places, now: datetime) -> None:
        if (now - self._looked.get(model, datetime.min.replace(tzinfo=UTC))).total_seconds() < INTERVAL_SECONDS:
            return
        self._looked[model] = now
        remembered = read_document(places.server, None)
        watch = ServerWatch.remembered(watched["limits"], watched["version"], remembered)
        watch.look(self.look_at_server(watched["endpoint"]), now)
        write_json(places.server, watch.document(now))

    def _reporting(self, model: str, places: Places, seen: dict[str, Any], now: datetime) -> bool:
        """Whether a report is being made; one that has ended is taken note of."""
        child = self._children.get(model)
        if child is None:
            return False
        if child.process.poll() is None:
            if (now - child.started).total_seconds() < REPORT_LIMIT_SECONDS:
                return True
            stop(child.process)
        del self._children[model]
        failed = child.process.returncode != 0
        problem = _last_words(places.log) if failed else None
        if failed:
            logger.error("%s: the report until %s could not be made: %s", model, child.until, problem)
        seen["problem"], seen["failed_at"] = problem, now.isoformat() if failed else None
        if not failed:
            seen["last"] = child.until.isoformat()
        write_json(places.first_seen, seen)
        return False

    def _report_if_due(
        self, model: str, watched: WatchedModel, places: Places, seen: dict[str, Any], now: datetime
    ) -> None:
        """The last moment that is due and was missed is made up for; earlier ones are not."""
        due = last_due(watched["schedule"], now)
        if watched["capture"] is None or due <= datetime.fromisoformat(seen["since"]):
            return
        until = window_end(watched["schedule"], due)
        if seen.get("last") == until.isoformat() or _is_waiting(seen, now):
            return
        logger.info("%s: a report until %s is being made", model, until.isoformat())
        self._children[model] = _Child(self.reporter(model, until, places.log), until, now)

    def _write_alarms(self, places: Places) -> list[Alarm]:
        """Compute the alarms of the reports, add the server's, and write them down where they differ."""
        acknowledged = read_document(places.acknowledged, {})
        alarms = alarms_of(summaries(places), acknowledged)
        server = read_document(places.server, {"alarms": []})["alarms"]
        documents = [*(alarm.document() for alarm in alarms), *(_with_state(one, acknowledged) for one in server)]
        known = read_document(places.alarms, [])
        if documents != known:
            for one in documents:
                if one["name"] not in {old["name"] for old in known}:
                    logger.warning("alarm %s: %s", one["name"], one["reason"])
            write_json(places.alarms, documents)
        return alarms


def _with_state(alarm: dict[str, Any], acknowledged: dict[str, str]) -> dict[str, Any]:
    fields = {key: value for key, value in alarm.items() if key != "state"}
    return Alarm(**{**fields, "acknowledged_by": acknowledged.get(alarm["name"])}).document()


def _seen(places: Places, schedule: Schedule, now: datetime) -> dict[str, Any]:
    """What is remembered of this schedule; another schedule counts from now, so no report is due for the past."""
    found: dict[str, Any] | None = read_document(places.first_seen, None)
    if found is not None and found.get("schedule") == schedule:
        return found
    made = {"schedule": dict(schedule), "since": now.isoformat(), "last": None, "problem": None, "failed_at": None}
    write_json(places.first_seen, made)
    return made


def _is_waiting(seen: dict[str, Any], now: datetime) -> bool:
    failed = seen.get("failed_at")
    return failed is not None and now - datetime.fromisoformat(failed) < timedelta(seconds=RETRY_SECONDS)


def _last_words(log: Path) -> str:
    """The last error that a child has said."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return said[-1] if said else f"it ended without a word (see {log})"
