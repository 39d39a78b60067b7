"""A person looks after an alarm: by name, all of them, and not one that there is not."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlops_stacks.operations.watching import AcknowledgeError, acknowledge
from mlops_stacks.runtime.monitoring.alarms import Alarm, AlarmKind

MODELS = {name: SimpleNamespace(monitoring={}) for name in ("delay", "far", "idle")}
SETTINGS = SimpleNamespace(settings=SimpleNamespace(models={**MODELS, "plain": SimpleNamespace(monitoring=None)}))
PROJECT: Any = SimpleNamespace(
    blueprint=SimpleNamespace(stack=lambda scope: f"tiny-{scope}", scope=lambda scope: SETTINGS)
)
ALARMS = [
    Alarm("delay-1-drift-1", AlarmKind.DRIFT, "1", "2026-03-01", "3 features have drifted"),
    Alarm("delay-1-errors-1", AlarmKind.ERRORS, "1", "2026-03-02", "7 % errors"),
    Alarm("delay-1-drift-0", AlarmKind.DRIFT, "1", "2026-02-01", "4 features have drifted", resolved="2026-02-08"),
]


@pytest.fixture
def executor(tmp_path: Path) -> Any:
    """An executor whose environment watches one model."""
    (tmp_path / "alarms.json").write_text(json.dumps([alarm.document() for alarm in ALARMS]))
    outputs = {
        "monitoring": {"reports": {"delay": str(tmp_path), "far": "s3://elsewhere/reports"}},
        "serving": {"endpoints": dict.fromkeys(("delay", "far", "plain"), "somewhere")},
    }
    return SimpleNamespace(outputs=lambda stack: outputs if stack == "tiny-dev" else {})


def acknowledged(tmp_path: Path) -> set[str]:
    return set(json.loads((tmp_path / "acknowledged.json").read_text()))


def test_one_alarm_by_its_name(executor: Any, tmp_path: Path) -> None:
    assert acknowledge(PROJECT, executor, "dev", "delay", "delay-1-errors-1") == ["delay-1-errors-1"]
    assert acknowledged(tmp_path) == {"delay-1-errors-1"}


def test_all_that_are_open_and_none_that_is_resolved(executor: Any, tmp_path: Path) -> None:
    assert set(acknowledge(PROJECT, executor, "dev", "delay", None)) == {"delay-1-drift-1", "delay-1-errors-1"}
    assert acknowledged(tmp_path) == {"delay-1-drift-1", "delay-1-errors-1"}


@pytest.mark.parametrize(
    ("environment", "model", "alarm", "said"),
    [
        ("dev", "delay", "delay-1-drift-0", "raised: delay-1-errors-1, delay-1-drift-1"),
        ("dev", "far", None, "acknowledged there"),
        ("dev", "nope", None, "dev has no model `nope`; there is delay, far, idle, plain"),
        ("dev", "idle", None, "idle is not served in dev, so it is not watched"),
        ("dev", "plain", None, "plain has no `monitoring` in the blueprint for dev, so it is not watched"),
        ("prod", "delay", None, "delay is not served in prod"),
    ],
)
def test_what_is_not_there_is_a_sentence(
    executor: Any, environment: str, model: str, alarm: str | None, said: str
) -> None:
    with pytest.raises(AcknowledgeError, match=said):
        acknowledge(PROJECT, executor, environment, model, alarm)
