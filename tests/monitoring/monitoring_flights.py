"""Real flights as requests: what the server would have captured, day by day, and the labels that came later."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runtime_helpers import runtime, step_settings_document, tracked, write_pipeline

EXAMPLE = Path(__file__).parents[2] / "examples" / "flight_delay"
WORKLOAD = {"entry_point": "flight_delay.workload:workload", "path": str(EXAMPLE)}
MODEL = "delay"

sys.path.insert(0, str(EXAMPLE))


def trained_flights(folder: Path) -> Path:
    """Train the example as `up` and `run` would, tracked in SQLite; returns the folder of the pipeline."""
    settings = step_settings_document(
        model=MODEL, workload=WORKLOAD, acceptance={}, approval="automatic", parameters={"iterations": 50},
        **tracked(folder),
    )  # fmt: skip
    pipeline = write_pipeline(folder, settings)
    before = Path.cwd()
    os.chdir(folder)  # MLflow puts artefacts of an SQLite store into the working directory
    try:
        ended = runtime("run", "--pipeline", str(pipeline), "--run-id", "first")
    finally:
        os.chdir(before)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


@dataclass
class Flights:
    """Captured flights."""

    rows: Any
    """The model's inputs, `date`, and `arr_delay`."""
    root: Path
    """Folder of captured requests: a folder for the model."""
    trained: Path

    @property
    def capture(self) -> str:
        """What the monitor is told."""
        return (self.root / MODEL).as_uri()


def flight_rows(first: str, last: str) -> Any:
    """Flights with the model's inputs, `date` and `arr_delay`."""
    from flight_delay.data import read_flights, read_weather
    from flight_delay.features import with_features

    flights = read_flights(first, last).reset_index(drop=True)
    return with_features(flights, read_weather(first, last)).assign(arr_delay=flights["arr_delay"])


def captured_flights(trained: Path, root: Path, first: str, last: str) -> Flights:
    """Capture every flight of these days, one request for each day, at noon of its day."""
    from mlops_stacks.runtime.saved_model import SavedModel
    from mlops_stacks.runtime.serving.capture import Capture

    rows = flight_rows(first, last)
    model = SavedModel(str(trained / "runs" / "first" / "model"))
    names = [column.name for column in model.inputs]
    rows["prediction"] = model.predict(rows)
    settings = {"uri": root.as_uri(), "sample_percent": 100.0}
    for day, of_day in rows.groupby("date"):
        noon = (day + timedelta(hours=12)).to_pydatetime().replace(tzinfo=UTC)
        capture = Capture(settings, MODEL, "1", clock=lambda noon=noon: noon, flush_seconds=0.0)
        plain = of_day[names].astype(object).where(of_day[names].notna(), None)
        columns = {name: plain[name].tolist() for name in names}
        capture.keep(f"{day:%Y-%m-%d}", columns, of_day["prediction"].tolist())
        capture.close()
    return Flights(rows, root, trained)


def write_labels(flights: Flights, folder: Path) -> None:
    """The truth about every flight that arrived, by request and row."""
    folder.mkdir(parents=True, exist_ok=True)
    number = flights.rows.groupby("date").cumcount()
    with (folder / "labels.jsonl").open("w") as file:
        for day, row, delay in zip(flights.rows["date"], number, flights.rows["arr_delay"], strict=True):
            if delay == delay:
                said = {"request_id": f"{day:%Y-%m-%d}", "row": int(row), "label": int(delay > 15)}
                file.write(json.dumps(said) + "\n")


def monitor_document(flights: Flights, folder: Path, **changes: Any) -> dict[str, Any]:
    """Settings of a monitor with a report each Monday on the week before; `changes` of what is watched."""
    limits = {
        "drift": {}, "drifted_features": 3, "windows_running": 2,
        "error_rate_percent": 5.0, "latency_p99_ms": 1000.0, "minimum_quality": {},
    }  # fmt: skip
    watched = {
        "version": "1",
        "endpoint": "http://127.0.0.1:9",
        "capture": flights.capture,
        "labels": (folder / "labels").as_uri(),
        "runs": [str(folder / "nothing"), str(flights.trained / "runs")],
        "workload": WORKLOAD,
        "schedule": {"cron": "0 4 * * 1", "timezone": "UTC"},
        "window_days": 7,
        "keep_pages": 60,
        "limits": {**limits, **changes.pop("limits", {})},
        "retraining": {"on_drift": False, "cooldown_hours": 24, "pipeline": None},
        **changes,
    }
    return {
        "blueprint": "flights", "environment": "dev", "host": "127.0.0.1", "port": 0,
        "folder": str(folder / "reports"), "models": {MODEL: watched},
    }  # fmt: skip


def monday(month: int, day: int) -> datetime:
    """The moment of 2013 at which a weekly report is due."""
    return datetime(2013, month, day, 4, tzinfo=UTC)
