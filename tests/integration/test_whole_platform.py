"""Every stage of blueprints/local.yaml at once: killed one by one, asked, watched, and gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from integration_platform import end_everything, is_taken, listening, processes, program_of, supervisors
from test_full_loop import Platform, answers, eventually

from mlops_stacks.blueprint.vocabulary import Stage

ROOT = Path(__file__).parents[2]
SMALL = {"train_until": "2013-01-20", "evaluate_until": "2013-01-31", "iterations": 20}
PROGRAMS = {"mlflow", "jupyterlab", "dev-scheduler", "dev-serving-delay", "dev-monitor"}
FEATURES = ["origin_delays__late_share_3h", "origin_delays__late_share_24h", "route_delays__late_share_7d"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


class Whole(Platform):
    """The platform of the laptop's blueprint, whose model is called `delay`."""

    @cached_property
    def endpoint(self) -> str:
        return str(self.shown("outputs", "serving.endpoints.delay", "--json"))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """The laptop's blueprint with a month of flights, released and served."""
    folder = tmp_path_factory.mktemp("whole")
    document = yaml.safe_load((ROOT / "blueprints" / "local.yaml").read_text())
    document["workload"]["path"] = str(ROOT / "examples" / "flight_delay")
    model = document["models"]["delay"]
    model["parameters"] = SMALL
    model["pipeline"]["schedule"] = {"cron": "0 3 1 1 *"}
    del model["acceptance"]
    assert set(document["stages"]) == {stage.value for stage in Stage}
    blueprint = folder / "blueprint.yaml"
    blueprint.write_text(yaml.safe_dump(document, sort_keys=False))
    made = Whole(blueprint)
    try:
        for command in (["up"], ["run", "delay"], ["release", "delay", "latest_approved"], ["up"]):
            made.cli(*command)
        yield made
        ports = {port for _, port in listening(processes(made.home))}
        made.cli("destroy", "--yes")
        assert processes(made.home) == []
        assert not [port for port in ports if is_taken(port)]
    finally:
        end_everything(folder)


def _running(platform: Whole) -> dict[str, int]:
    """Program -> identifier of the process that the supervisor started for it."""
    (daemon,) = supervisors(platform.home)
    found = {}
    for process in processes(platform.home):
        try:
            if process.ppid() == daemon.pid:
                found[program_of(process)] = process.pid
        except psutil.NoSuchProcess:
            continue
    return found


def _all_answer(platform: Whole) -> bool:
    state = platform.shown("status", "--json")
    return {p["name"]: p["state"] for p in state["processes"]} == dict.fromkeys(PROGRAMS, "running") and answers(
        platform.endpoint
    )


def test_every_process_comes_back_after_a_kill(platform: Whole) -> None:
    before = _running(platform)
    assert set(before) == PROGRAMS
    for name, pid in before.items():
        os.kill(pid, signal.SIGKILL)
        eventually(lambda name=name, pid=pid: _running(platform).get(name, pid) != pid)
    eventually(lambda: _all_answer(platform), 60)
    after = _running(platform)
    assert set(after) == PROGRAMS
    assert not set(after.values()) & set(before.values())
    assert platform.predict()["version"] == "1"


def test_a_killed_supervisor_comes_back_by_up_with_each_program_once(platform: Whole) -> None:
    (daemon,) = supervisors(platform.home)
    before = set(_running(platform).values())
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait(10)
    platform.cli("up")
    eventually(lambda: _all_answer(platform), 60)
    assert set(_running(platform)) == PROGRAMS
    assert not [pid for pid in before if psutil.pid_exists(pid)]
    again = platform.cli("up").stdout
    assert "created" not in again
    assert "updated" not in again


def test_a_report_compares_the_features_that_the_server_looked_up(platform: Whole) -> None:
    flight = json.loads((ROOT / "examples" / "flight_delay" / "flight.json").read_text())
    platform.post("/predict", {"instances": [flight] * 150})
    settings = platform.home / "dev" / "monitoring" / "monitor.json"
    folder = platform.home / "dev" / "monitoring" / "reports" / "delay" / "reports"
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    arguments = ["report", "--settings", settings.as_uri(), "--model", "delay", "--until", midnight.isoformat()]

    def found() -> list[Any]:
        # Captured rows are written once a second.
        ended = subprocess.run(
            [sys.executable, "-m", "mlops_stacks.runtime", *arguments], capture_output=True, text=True, timeout=120
        )
        assert ended.returncode == 0, ended.stderr
        return [json.loads(path.read_text()) for path in folder.glob("*/summary.json")]

    eventually(lambda: bool(list((platform.home / "dev" / "capture" / "delay").glob("*.jsonl"))))
    (summary,) = found()
    assert summary["rows"] >= 150
    assert set(FEATURES) <= set(summary["drift"]["features"])
    assert summary["data"][FEATURES[0]]["missing_share"] == 0


def test_the_state_of_every_stage_is_shown(platform: Whole) -> None:
    state = platform.shown("status", "--json")
    assert {one["stage"] for one in state["stages"] if one["deployed"]} == {stage.value for stage in Stage}
    (watched,) = state["monitoring"]
    assert (watched["model"], watched["rows"] >= 150) == ("delay", True)
    assert "Drift and alarms" in platform.cli("status").stdout
    assert "http://127.0.0.1" in platform.cli("open", "workbench", "--no-browser").stdout
