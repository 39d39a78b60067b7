"""An alarm on drift starts the training pipeline: once, however often the monitor looks, is killed or is started.

The run is named after the alarm, and the runner refuses a run that exists. It runs on by itself when the monitor
ends, as one that a person started does: a monitor that is restarted must not end, or repeat, an hour of training.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mlops_components.spec.marked import DIGEST, MARKER
from mlops_components.spec.monitoring import RetrainingSettings
from mlops_stacks.runtime.monitoring.alarms import Alarm, AlarmKind
from mlops_stacks.runtime.monitoring.places import Places, read_document
from mlops_stacks.runtime.process import runtime_command
from mlops_stacks.runtime.run_status import STATUS, write_json

TRIGGER = "drift"

Starter = Callable[[Path, str, Path], "subprocess.Popen[bytes]"]


def start_detached(pipeline: Path, run_id: str, log: Path) -> subprocess.Popen[bytes]:
    """Start the runner as `mlops-stacks run` does, in a session of its own that outlives this process."""
    command = runtime_command("run", "--pipeline", str(pipeline), "--run-id", run_id, "--trigger", TRIGGER, "--json")
    environment = {name: value for name, value in os.environ.items() if name not in (MARKER, DIGEST)}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )


def due_retraining(
    alarms: Sequence[Alarm], started: Mapping[str, Mapping[str, Any]], settings: RetrainingSettings, now: datetime
) -> Alarm | None:
    """The open alarm on drift for which a run is to be started now; None if there is none.

    While the last start is more recent than the cooldown nothing starts; an alarm that is still open then, does.
    """
    if not settings["on_drift"] or settings["pipeline"] is None:
        return None
    last = max((datetime.fromisoformat(str(one["started"])) for one in started.values()), default=None)
    if last is not None and now - last < timedelta(hours=settings["cooldown_hours"]):
        return None
    waiting = (a for a in alarms if a.kind is AlarmKind.DRIFT and a.resolved is None and a.name not in started)
    return next(waiting, None)


class Retrainer:
    """Starts runs for alarms, and remembers which."""

    def __init__(self, places: Places, settings: RetrainingSettings, starter: Starter = start_detached) -> None:
        """`starter` starts a runner; it may be one that does nothing."""
        self._places, self._settings, self._starter = places, settings, starter
        self._running: subprocess.Popen[bytes] | None = None

    def started(self) -> dict[str, dict[str, Any]]:
        """Alarm -> the run that it started: `run_id` and `started`."""
        found: dict[str, dict[str, Any]] = read_document(self._places.retrainings, {})
        return found

    def tick(self, alarms: Sequence[Alarm], now: datetime) -> str | None:
        """Start what is due; returns the run's name if one was started.

        A start counts once the runner has left a status. One that could not begin, because a run by hand was under
        way, left none and is tried again.
        """
        if self._running is not None and self._running.poll() is None:
            self._note_if_begun(alarms, now)
            return None
        self._running = None
        self._note_if_begun(alarms, now)
        alarm = due_retraining(alarms, self.started(), self._settings, now)
        if alarm is None or self._settings["pipeline"] is None:
            return None
        run_id = run_name(alarm)
        self._places.folder.mkdir(parents=True, exist_ok=True)
        log = self._places.folder / "retraining.log"
        self._running = self._starter(Path(self._settings["pipeline"]), run_id, log)
        return run_id

    def _note_if_begun(self, alarms: Sequence[Alarm], now: datetime) -> None:
        """Write down runs of alarms that exist, whoever saw them start."""
        if self._settings["pipeline"] is None:
            return
        started = self.started()
        runs = _runs_folder(Path(self._settings["pipeline"]))
        for alarm in alarms:
            status = None if runs is None else read_document(runs / run_name(alarm) / STATUS, None)
            if alarm.name not in started and status is not None:
                started[alarm.name] = {"run_id": run_name(alarm), "started": now.isoformat()}
                write_json(self._places.retrainings, started)


def run_name(alarm: Alarm) -> str:
    """The name of the run that an alarm starts."""
    return f"{alarm.name}"


def _runs_folder(pipeline: Path) -> Path | None:
    """Where the pipeline keeps its runs; read here as plain JSON, since a check of its shape is the runner's."""
    definition = read_document(pipeline, None)
    return None if definition is None else pipeline.resolve().parent / definition["runs"]
