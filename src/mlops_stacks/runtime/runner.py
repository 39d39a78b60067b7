"""Runs a whole pipeline on this machine: each step a process of its own, with retries and a time limit.

One run of a pipeline at a time. A failed run leaves its folder behind, with a status and a log per step, and changes
nothing that serves.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from mlops_components.spec.pipeline import StepSpec
from mlops_stacks.runtime.documents import PipelineDefinition, pipeline_definition
from mlops_stacks.runtime.errors import BusyError, RuntimeFault, SettingsError
from mlops_stacks.runtime.process import Ended, runtime_command, start, wait
from mlops_stacks.runtime.progress import Progress
from mlops_stacks.runtime.run_status import RunStatus, State, StepStatus, now, read_runs, write_json

LOCK = ".lock"
_RETRY_MAY_HELP = RuntimeFault.exit_code
"""A step that ends with another code from 2 on has said that trying again cannot help."""


class Cancelled(Exception):  # noqa: N818 - it is not an error
    """The run was asked to stop."""


def run_command(pipeline: Path, assignments: Sequence[str], *, run_id: str | None, trigger: str, as_json: bool) -> int:
    """Run the pipeline defined in the file `pipeline`; returns the exit code.

    0: it succeeded; 1: a step failed; 2: the definition or a parameter is wrong; 4: another run is under way;
    130: it was cancelled.
    """
    progress = Progress(sys.stdout, as_json=as_json)
    try:
        definition = pipeline_definition(pipeline)
        parameters = _parameters(assignments, definition)
        with _one_at_a_time(Path(definition["runs"]), definition["pipeline"]["name"]):
            status = _begin(definition, parameters, run_id or new_run_id(), trigger)
            return _carry_out(definition, status, progress)
    except RuntimeFault as fault:
        progress.refused(str(fault))
        return fault.exit_code


def new_run_id() -> str:
    """A folder name that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _parameters(assignments: Sequence[str], definition: PipelineDefinition) -> dict[str, str]:
    parameters = dict(definition["pipeline"]["parameters"])
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            raise SettingsError(f"the parameter `{assignment}` must read `name=value`.")
        parameters[name] = value
    return parameters


@contextmanager
def _one_at_a_time(runs: Path, pipeline: str) -> Iterator[None]:
    """Hold the pipeline's lock; the kernel lets go of it however this process ends."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
        lock = (runs / LOCK).open("w")
    except OSError as error:
        raise SettingsError(f"the folder {runs} cannot be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"a run of the pipeline `{pipeline}` is under way: wait for it, or cancel it.") from None
        yield


def _begin(definition: PipelineDefinition, parameters: Mapping[str, str], run_id: str, trigger: str) -> RunStatus:
    runs = Path(definition["runs"])
    _close_interrupted(runs)
    folder = runs / run_id
    if (folder / "status.json").exists():
        raise SettingsError(f"there is a run `{run_id}` already, in {folder}.")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "parameters.json", dict(parameters))
    steps = [StepStatus(step["name"], str(folder / "logs" / f"{step['name']}.log")) for step in _steps(definition)]
    spec = definition["pipeline"]
    status = RunStatus(run_id, spec["name"], spec["model"], trigger, dict(parameters), str(folder), steps)
    status.write()
    return status


def _close_interrupted(runs: Path) -> None:
    """We hold the lock, so a run that says it is running is not."""
    for status in read_runs(runs):
        if status["state"] == State.RUNNING:
            closed = {**status, "state": State.INTERRUPTED, "ended": now(), "error": "the runner was killed."}
            write_json(Path(status["folder"]) / "status.json", closed)


def _steps(definition: PipelineDefinition) -> list[StepSpec]:
    steps = definition["pipeline"]["steps"]
    seen: set[str] = set()
    for step in steps:
        unknown = [name for name in step["depends_on"] if name not in seen]
        if unknown:
            raise SettingsError(f"the step `{step['name']}` depends on `{unknown[0]}`, which does not come before it.")
        seen.add(step["name"])
    return steps


def _carry_out(definition: PipelineDefinition, status: RunStatus, progress: Progress) -> int:
    progress.run_started(status)
    try:
        with _cancelled_by_signals():
            for spec, step in zip(_steps(definition), status.steps, strict=True):
                _carry_out_step(spec, step, definition["settings"], status, progress)
    except Cancelled:
        _end(status, State.CANCELLED, "it was cancelled.", progress)
        return 130
    failed = next((step for step in status.steps if step.state is State.FAILED), None)
    if failed is not None:
        _end(status, State.FAILED, f"step `{failed.name}` failed: {failed.error}", progress)
        return 1
    registered = Path(status.folder) / "registered.json"
    status.result = json.loads(registered.read_text()) if registered.exists() else {}
    _end(status, State.SUCCEEDED, None, progress)
    return 0


def _end(status: RunStatus, state: State, error: str | None, progress: Progress) -> None:
    status.state, status.error, status.ended = state, error, now()
    for step in status.steps:
        if step.state is State.RUNNING:
            step.state = State.CANCELLED
    status.write()
    progress.run_ended(status)


def _carry_out_step(spec: StepSpec, step: StepStatus, settings: str, status: RunStatus, progress: Progress) -> None:
    unmet = [other.name for other in status.steps if other.name in spec["depends_on"] and not _succeeded(other)]
    if unmet:
        step.state, step.error = State.SKIPPED, f"`{unmet[0]}` did not succeed."
        status.write()
        return
    command = runtime_command("step", step.name, "--settings", settings, "--run", f"file://{status.folder}")
    for attempt in range(1, spec["retries"] + 2):
        step.state, step.attempts = State.RUNNING, attempt
        status.write()
        progress.step_started(step)
        _record_path(status, step).unlink(missing_ok=True)
        log = Path(step.log)
        said_before = log.stat().st_size if log.exists() else 0
        ended = wait(start(command, log), spec["timeout_minutes"] * 60)
        step.exit_code, step.seconds = ended.exit_code, round(step.seconds + ended.seconds, 3)
        step.state = State.SUCCEEDED if ended.exit_code == 0 and not ended.timed_out else State.FAILED
        step.error = None if _succeeded(step) else _sentence(ended, spec, status, step, said_before)
        status.write()
        progress.step_ended(step, will_retry=_retry(spec, step, ended))
        if not _retry(spec, step, ended):
            return


def _succeeded(step: StepStatus) -> bool:
    return step.state is State.SUCCEEDED


def _retry(spec: StepSpec, step: StepStatus, ended: Ended) -> bool:
    final = ended.exit_code > _RETRY_MAY_HELP and not ended.timed_out
    return step.state is State.FAILED and not final and step.attempts <= spec["retries"]


def _record_path(status: RunStatus, step: StepStatus) -> Path:
    return Path(status.folder) / "steps" / f"{step.name}.json"


def _sentence(ended: Ended, spec: StepSpec, status: RunStatus, step: StepStatus, said_before: int) -> str:
    """Why the step failed: in its own words where it left any. The log's first `said_before` bytes are of old tries."""
    if ended.timed_out:
        return f"it was stopped after its time limit of {spec['timeout_minutes']} minutes (see {step.log})."
    record = _record_path(status, step)
    if record.exists():
        said: dict[str, Any] = json.loads(record.read_text())
        if said.get("error"):
            return str(said["error"])
    if ended.exit_code < 0:
        return f"it was killed by signal {signal.Signals(-ended.exit_code).name} (see {step.log})."
    return _last_error(Path(step.log), said_before) or f"it ended with code {ended.exit_code} (see {step.log})."


def _last_error(log: Path, offset: int) -> str | None:
    lines = log.read_bytes()[offset:].decode(errors="replace").splitlines()
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return said[-1] if said else None


@contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """SIGTERM and Ctrl-C stop the step that runs, and then the run."""

    def cancel(_number: int, _frame: FrameType | None) -> None:
        raise Cancelled

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, cancel) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
