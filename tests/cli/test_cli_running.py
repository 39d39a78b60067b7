"""`run` and `logs`: what is made of the runner's events. The runner itself is played by a small script."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_runner import MINIMAL, Cli

from mlops_stacks.operations import deploying, running

pytest_plugins = ["cli_fixtures"]

STARTED = {"event": "run_started", "run_id": "r1", "pipeline": "demand", "folder": "/runs/r1", "steps": ["extract"]}
STEP = {"event": "step_ended", "step": "extract", "state": "succeeded", "seconds": 1.25, "error": None}
ENDED = {"event": "run_ended", "run_id": "r1", "state": "succeeded", "error": None}


class Deployed:
    """An executor whose blueprint has one pipeline on this machine."""

    def __init__(self, definition: Path) -> None:
        self.definition = definition

    def outputs(self, stack: str) -> dict[str, Any]:
        """What any stack exports."""
        return {"training_pipeline": {"pipelines": {"demand": str(self.definition)}}}


@pytest.fixture
def pipeline(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The definition of a pipeline of a deployed blueprint."""
    cli.write()
    definition = cli.folder / "demand.pipeline.json"
    monkeypatch.setattr(deploying, "executor_for", lambda *arguments: Deployed(definition))
    return definition


def _play(cli: Cli, monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]], code: int) -> Path:
    """Have a script say these events, and some noise, instead of the runner; it writes down its arguments."""
    lines = "\n".join(["a step's own words", "{no json", "[1]", *map(json.dumps, events)])
    cli.write(lines, "events.txt")
    script = cli.write(f'#!/bin/sh\necho "$@" > arguments.txt\ncat events.txt\nexit {code}\n', "runner")
    script.chmod(0o755)
    monkeypatch.setattr(running.sys, "executable", str(script))
    return cli.folder / "arguments.txt"


def test_run_shows_steps_and_says_what_comes_next(cli: Cli, pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = {"model": "demand", "version": "4", "approval": "pending"}
    arguments = _play(cli, monkeypatch, [STARTED, STEP, {**ENDED, "result": result}], 0)
    answer = cli("run", "demand", "-e", "dev", "-p", "depth=3")
    assert answer.code == 0, answer.err
    assert "extract         succeeded  1.2 s" in answer.err
    assert "Registered version 4 of demand (pending)." in answer.out
    assert "release demand 4 --environment dev --approve" in answer.out
    assert arguments.read_text().split()[2:] == [
        "run",
        "--pipeline",
        str(pipeline),
        "--json",
        "--parameter",
        "depth=3",
    ]


@pytest.mark.parametrize(
    ("events", "code", "wanted", "words"),
    [
        ([STARTED, {**ENDED, "state": "failed", "error": "step `train` failed: no rows"}], 1, 3, "no rows"),
        ([{"event": "refused", "error": "a run is under way"}], 4, 1, "a run is under way"),
        ([{"event": "refused", "error": "bad parameter"}], 2, 1, "bad parameter"),
        ([], 9, 3, "code 9"),
        ([STARTED], 130, 130, "Interrupted"),
    ],
)
def test_a_run_that_fails_ends_with_its_own_sentence(
    cli: Cli,
    pipeline: Path,
    monkeypatch: pytest.MonkeyPatch,
    events: list[dict[str, Any]],
    code: int,
    wanted: int,
    words: str,
) -> None:
    _play(cli, monkeypatch, events, code)
    answer = cli("run", "demand", "-e", "dev")
    assert answer.code == wanted
    assert words in answer.err


def test_what_cannot_be_run_is_refused(cli: Cli, pipeline: Path) -> None:
    assert "it has demand" in cli("run", "other", "-e", "dev").err
    assert cli("run", "demand", "-e", "dev", "-p", "nonsense").code == 2
    cli.write(MINIMAL.replace("training_pipeline, ", ""))
    assert "no stage `training_pipeline`" in cli("run", "demand", "-e", "dev").err


def test_logs_of_the_last_run(cli: Cli, pipeline: Path) -> None:
    runs = cli.folder / "runs"
    for name, started in (("r1", "2025-01-01"), ("r2", "2025-01-02")):
        log = runs / name / "logs" / "train.log"
        log.parent.mkdir(parents=True)
        log.write_text(f"first of {name}\nlast of {name} \x1b[31m\n")
        status = {"run_id": name, "started": started, "steps": [{"name": "train", "log": str(log)}]}
        (runs / name / "status.json").write_text(json.dumps(status))
    spec = {"name": "demand", "model": "demand", "steps": [], "parameters": {}, "schedule": None}
    pipeline.write_text(json.dumps({"pipeline": spec, "settings": "s.json", "runs": str(runs)}))
    answer = cli("logs", "training_pipeline", "-e", "dev", "--lines", "1")
    assert answer.out == "last of r2 \\x1b[31m\n"
    assert "r2 train" in answer.err
    assert cli("logs", "serving", "-e", "dev").code == 1


def test_an_interrupt_waits_for_the_runner(tmp_path: Path) -> None:
    """As from a terminal: the whole group gets the signal, the runner ends its step and says so."""
    (tmp_path / "runner").write_text(
        "#!/bin/sh\ntrap 'echo stopped > stopped.txt; exit 130' INT\necho begun > begun.txt\n"
        "while true; do sleep 0.05; done\n"
    )
    (tmp_path / "runner").chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from mlops_stacks.cli import guard\n"
        "from mlops_stacks.operations import running\n"
        f"sys.executable = {str(tmp_path / 'runner')!r}\n"
        "sys.exit(guard.run(lambda: running.run(Path('x'), [], print), False))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 20
        while not (tmp_path / "begun.txt").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert (tmp_path / "stopped.txt").exists()
    assert said.startswith("Interrupted.")
