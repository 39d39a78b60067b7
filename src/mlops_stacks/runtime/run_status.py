"""The state of one local run: written to `<run folder>/status.json` whenever it changes, and read by the CLI."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

STATUS = "status.json"


class State(StrEnum):
    """Of a run, or of a step of one."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """A step that another one, on which it depends, kept from starting."""
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The runner died; found out by the next one."""


@dataclass
class StepStatus:
    """One step: `attempts` counts how often it was started, `seconds` is the time of all of them."""

    name: str
    log: str
    state: State = State.WAITING
    attempts: int = 0
    seconds: float = 0.0
    exit_code: int | None = None
    error: str | None = None


@dataclass
class RunStatus:
    """One run."""

    run_id: str
    pipeline: str
    model: str
    trigger: str
    parameters: dict[str, str]
    folder: str
    steps: list[StepStatus]
    state: State = State.RUNNING
    pid: int = field(default_factory=os.getpid)
    started: str = field(default_factory=lambda: now())
    ended: str | None = None
    error: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    """What the register step says: model, version, model_uri, approval."""

    def write(self) -> None:
        """Write it whole, in place of the last one."""
        write_json(Path(self.folder) / STATUS, asdict(self))


def now() -> str:
    """The time, in UTC, as ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that a reader sees the old or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    part.write_text(json.dumps(value, indent=2, default=str), encoding="utf-8")
    part.replace(path)


def read_runs(runs: Path) -> list[dict[str, Any]]:
    """The status of every run in the folder `runs`, latest first."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in runs.glob(f"*/{STATUS}"))
    return sorted(found, key=lambda status: str(status["started"]), reverse=True)
