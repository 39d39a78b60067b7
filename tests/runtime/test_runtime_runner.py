"""The local runner: states, retries, time limits, one run at a time, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from runtime_helpers import runtime, started, status_of, step_settings_document, write_pipeline
from waiting import eventually


def pipeline_of(folder: Path, parameters: dict[str, Any] | None = None, **step_changes: Any) -> Path:
    return write_pipeline(folder, step_settings_document(parameters=parameters or {}), **step_changes)


def first_steps_only(pipeline: Path, count: int) -> None:
    """Leave out what a test does not need; MLflow's import takes most of a run."""
    document = json.loads(pipeline.read_text())
    document["pipeline"]["steps"] = document["pipeline"]["steps"][:count]
    pipeline.write_text(json.dumps(document))


def test_json_lines_and_status_tell_the_same(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path)
    first_steps_only(pipeline, 3)
    ended = runtime("run", "--pipeline", str(pipeline), "--json", "--run-id", "mine", "--parameter", "rows=300")
    assert ended.returncode == 0, ended.stdout
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in events] == ["run_started", *["step_started", "step_ended"] * 3, "run_ended"]
    status = status_of(pipeline)
    assert status["run_id"] == "mine"
    assert status["parameters"] == {"rows": "300"}
    assert [step["state"] for step in status["steps"]] == ["succeeded"] * 3
    assert all(Path(step["log"]).exists() for step in status["steps"])
    assert json.loads((tmp_path / "runs/mine/extract.json").read_text())["rows"] == {"things": 300}


def test_a_failed_step_is_a_sentence_and_stops_what_depends_on_it(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, {"misbehave": "raise in prepare"}, retries=1)
    ended = runtime("run", "--pipeline", str(pipeline))
    assert ended.returncode == 1
    assert "step `prepare` failed: the workload's `prepare` failed: KeyError: 'no such colour'" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    status = status_of(pipeline)
    assert status["state"] == "failed"
    states = {step["name"]: step["state"] for step in status["steps"]}
    assert states["prepare"] == "failed"
    assert states["train"] == states["register"] == "skipped"
    attempts = {step["name"]: step["attempts"] for step in status["steps"]}
    assert attempts["prepare"] == 2


def test_a_step_that_fails_once_is_tried_again(tmp_path: Path) -> None:
    parameters = {"misbehave": "fail once in extract", "marker": str(tmp_path / "marker")}
    pipeline = pipeline_of(tmp_path, parameters, retries=1)
    first_steps_only(pipeline, 1)
    ended = runtime("run", "--pipeline", str(pipeline))
    assert ended.returncode == 0, ended.stdout
    assert "It is tried again." in ended.stdout
    assert status_of(pipeline)["steps"][0]["attempts"] == 2


def test_what_cannot_get_better_is_not_tried_again(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, {"misbehave": "leak"}, retries=3)
    first_steps_only(pipeline, 3)
    assert runtime("run", "--pipeline", str(pipeline)).returncode == 1
    assert status_of(pipeline)["steps"][2]["attempts"] == 1


def test_a_step_over_its_time_limit_is_stopped(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    parameters = {"misbehave": "sleep in extract", "marker": str(marker)}
    pipeline = pipeline_of(tmp_path, parameters, timeout_minutes=1)
    first_steps_only(pipeline, 2)
    # A minute is the shortest limit that a definition can say; the runner's own arithmetic is what shortens it here.
    code = f"""
import sys, time
import mlops_stacks.runtime.runner as r

wait = r.wait

def impatient(process, limit):
    while not r.Path({str(marker)!r}).exists() and process.poll() is None:
        time.sleep(0.05)
    return wait(process, limit / 60)

r.wait = impatient
sys.exit(r.run_command(r.Path({str(pipeline)!r}), [], run_id=None, trigger="test", as_json=False))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1, ended.stderr
    assert marker.exists()
    assert "stopped after its time limit of 1 minutes" in ended.stdout
    assert not _runtime_processes(str(tmp_path))


def test_one_run_at_a_time_and_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    pipeline = pipeline_of(tmp_path, {"misbehave": "sleep in extract", "marker": str(marker)})
    first_steps_only(pipeline, 1)
    process = started("run", "--pipeline", str(pipeline), "--run-id", "one")
    eventually(marker.exists)
    second = runtime("run", "--pipeline", str(pipeline))
    assert second.returncode == 4
    assert second.stdout == "error: a run of the pipeline `things` is under way: wait for it, or cancel it.\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    eventually(lambda: not _runtime_processes(str(tmp_path)))
    pipeline_of(tmp_path)
    first_steps_only(pipeline, 1)
    assert runtime("run", "--pipeline", str(pipeline), "--run-id", "two").returncode == 0
    interrupted = json.loads((tmp_path / "runs/one/status.json").read_text())
    assert interrupted["state"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_cancelled_run_ends_its_step(number: signal.Signals, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    pipeline = pipeline_of(tmp_path, {"misbehave": "sleep in extract", "marker": str(marker)})
    process = started("run", "--pipeline", str(pipeline))
    eventually(marker.exists)
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in error
    status = status_of(pipeline)
    assert (status["state"], status["steps"][0]["state"]) == ("cancelled", "cancelled")
    assert not _runtime_processes(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pipeline": 3}, "wrong at `pipeline`"),
        ({"settings": None}, "wrong at `settings`"),
    ],
)
def test_a_wrong_definition_is_a_sentence(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path)
    pipeline.write_text(json.dumps({**json.loads(pipeline.read_text()), **change}))
    ended = runtime("run", "--pipeline", str(pipeline))
    assert ended.returncode == 2
    assert ended.stdout.startswith("error: the pipeline definition")
    assert said in ended.stdout


def test_a_wrong_parameter_or_run_is_a_sentence(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path)
    first_steps_only(pipeline, 1)
    assert "must read `name=value`" in runtime("run", "--pipeline", str(pipeline), "--parameter", "rows").stdout
    assert runtime("run", "--pipeline", str(pipeline), "--run-id", "one").returncode == 0
    again = runtime("run", "--pipeline", str(pipeline), "--run-id", "one")
    assert again.returncode == 2
    assert "there is a run `one` already" in again.stdout


def _runtime_processes(word: str) -> list[psutil.Process]:
    """Processes whose command line mentions `word`: steps of that test's runs."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(word in part for part in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
