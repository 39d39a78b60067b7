"""Run a training pipeline: on this machine by the step runner, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.deploying import contracts
from mlops_stacks.project import Project

BUSY_CODE = 4
"""The runner's exit code where another run is under way."""
REFUSED_CODE = 2
"""Where the definition or a parameter is wrong."""


class RunError(Exception):
    """A pipeline cannot be started from here."""


@dataclass(frozen=True)
class Ended:
    """How the runner ended: its exit code, and its own last word."""

    code: int
    event: Mapping[str, Any]


def definition_of(project: Project, executor: Executor, pipeline: str, environment: str) -> Path:
    """The definition of a pipeline on this machine. Raises `RunError`."""
    chosen = project.blueprint.scope(environment).settings.stages.training_pipeline
    if chosen is None:
        raise RunError(f"{environment} has no stage `training_pipeline`, so there is nothing to run")
    pipelines: dict[str, str] = (
        contracts(project, executor, environment).get(Stage.TRAINING_PIPELINE.value, {}).get("pipelines", {})
    )
    if pipeline not in pipelines:
        known = ", ".join(sorted(pipelines)) or "none; run `mlops-stacks up` first"
        raise RunError(f"{environment} has no pipeline `{pipeline}` (it has {known})")
    if chosen.platform is not Platform.LOCAL:
        raise RunError(
            f"the pipeline {pipelines[pipeline]} is on {chosen.platform}: start it with that platform's tools"
        )
    return Path(pipelines[pipeline])


def run(definition: Path, parameters: Sequence[str], observe: Callable[[Mapping[str, Any]], None]) -> Ended:
    """Run a pipeline to its end, telling each event of the runner. An interrupt is the runner's to handle."""
    command = [sys.executable, "-m", "mlops_stacks.runtime", "run", "--pipeline", str(definition), "--json"]
    for parameter in parameters:
        command += ["--parameter", parameter]
    last: dict[str, Any] = {}
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            for line in process.stdout or ():
                last = _event(line) or last
                if last:
                    observe(last)
        except KeyboardInterrupt:
            # The terminal has sent the signal to the runner as well: let it end its step and say so.
            process.wait()
            raise
    return Ended(process.returncode, last)


def _event(line: str) -> dict[str, Any] | None:
    """An event of the runner; anything else that a step printed is none."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "event" in value else None
