"""Runs one step of a pipeline: the command that every platform starts."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_components.spec.pipeline import steps_of
from mlops_components.spec.settings import StepSettings
from mlops_stacks.runtime.documents import parse_json, step_settings
from mlops_stacks.runtime.errors import RuntimeFault, SettingsError
from mlops_stacks.runtime.features.inputs import feature_columns, joiner
from mlops_stacks.runtime.folder import RunFolder, read_bytes
from mlops_stacks.runtime.parameters import merged
from mlops_stacks.runtime.secrets import take_secrets
from mlops_stacks.runtime.steps.job import Job
from mlops_stacks.runtime.user_code import load_workload
from mlops_stacks.runtime.workload import StepContext

if TYPE_CHECKING:
    pass

PARAMETERS = "parameters.json"
"""File of the run folder with the run's own parameters, if it has any."""

_STEPS = steps_of(features=True)
_SAGEMAKER_OUTPUT = Path("/opt/ml/output")


def record_name(step: str) -> str:
    """The file of the run folder that says how a step ended."""
    return f"steps/{step}.json"


RETRIES_VARIABLE = "MLOPS_STACKS_RETRIES"
"""How often this process itself repeats a failed step, where an engine repeats only what is not the code's fault."""

PARAMETER_PREFIX = "MLOPS_STACKS_PARAMETER_"
"""What the names of environment variables with a run's parameters begin with, where an engine sets them that way."""

_RETRY_MAY_HELP = 1


def run_step(step: str, settings_uri: str, run_uri: str) -> int:
    """Run `step`; returns the exit code (see `errors.RuntimeFault`). What went wrong is one sentence on stderr.

    How it ended is also recorded in `<run>/steps/<step>.json`, from which a runner takes the sentence.
    """
    retries = os.environ.get(RETRIES_VARIABLE, "")
    for left in range(int(retries) if retries.isdigit() else 0, -1, -1):
        exit_code = _run_once(step, settings_uri, run_uri)
        if exit_code != _RETRY_MAY_HELP or not left:
            break
        logging.getLogger("mlops_stacks").warning("the step failed and is tried again (%d more)", left)
    return exit_code


def _run_once(step: str, settings_uri: str, run_uri: str) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    # Threads that spin while they wait make a model fit 20 times slower on a machine whose cores others use too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    started = time.monotonic()
    try:
        if step not in _STEPS:
            raise SettingsError(f"there is no step `{step}`: the steps are {', '.join(_STEPS)}.")
        settings = step_settings(settings_uri)
        folder = RunFolder(run_uri)
    except RuntimeFault as fault:
        return say(fault)
    try:
        summary = _execute(step, settings, folder)
    except RuntimeFault as fault:
        _record(folder, step, "failed", started, error=str(fault))
        _mark_failed(settings, folder)
        return say(fault)
    _record(folder, step, "succeeded", started, summary=summary)
    return 0


def say(fault: RuntimeFault) -> int:
    """Say what went wrong where people and platforms look for it; returns the exit code."""
    sys.stderr.write(f"error: {fault}\n")
    _tell_sagemaker(str(fault))
    return fault.exit_code


def _tell_sagemaker(sentence: str) -> None:
    """SageMaker shows the beginning of these files as the reason of a failed job; elsewhere there is no such folder."""
    if not _SAGEMAKER_OUTPUT.is_dir():
        return
    try:
        for name in ("failure", "message"):
            (_SAGEMAKER_OUTPUT / name).write_text(sentence[:1024])
    except OSError as error:
        logging.getLogger("mlops_stacks").warning("the reason could not be left for SageMaker: %s", error)


def _execute(step: str, settings: StepSettings, folder: RunFolder) -> dict[str, Any]:
    with begun(step, settings, folder) as job:
        module = importlib.import_module(f"mlops_stacks.runtime.steps.{step}")
        summary: dict[str, Any] = module.run(job)
    return summary


@contextmanager
def begun(step: str, settings: StepSettings, folder: RunFolder, more: Mapping[str, Any] | None = None) -> Iterator[Job]:
    """What a step has in hand, with its secrets in the environment; `more` are parameters that come last."""
    take_secrets(settings.get("secrets", {}))
    workload = load_workload(settings["workload"])
    run_parameters = {**_run_parameters(folder), **(more or {})}
    parameters = merged(
        workload.parameters, settings["parameters"], run_parameters, settings["workload"]["entry_point"]
    )
    with tempfile.TemporaryDirectory(prefix=f"{step}-") as scratch:
        context = StepContext(
            step=step,
            run_id=folder.run_id,
            run=folder.uri,
            parameters=parameters,
            scratch=Path(scratch),
            logger=logging.getLogger("mlops_stacks.workload"),
            inputs=(*workload.inputs, *feature_columns(settings.get("feature_store"), settings.get("features", []))),
            with_features=joiner(settings.get("feature_store"), settings.get("features", [])),
        )
        yield Job(settings, folder, workload, context)


def _run_parameters(folder: RunFolder) -> dict[str, Any]:
    """The run's own parameters: those of the run folder, overlaid by those that an engine hands on by environment."""
    named = {
        name.removeprefix(PARAMETER_PREFIX): value
        for name, value in sorted(os.environ.items())
        if name.startswith(PARAMETER_PREFIX)
    }
    if not folder.exists(PARAMETERS):
        return dict(named)
    uri = folder.location(PARAMETERS)
    values = parse_json(read_bytes(uri), f"the run's parameters {uri}")
    if not isinstance(values, dict):
        raise SettingsError(f"the run's parameters {uri} must be a JSON object.")
    return {**values, **named}


def _record(folder: RunFolder, step: str, state: str, started: float, **more: Any) -> None:
    record = {"step": step, "state": state, "seconds": round(time.monotonic() - started, 3), **more}
    folder.write_json(record_name(step), record)


def _mark_failed(settings: StepSettings, folder: RunFolder) -> None:
    """Close the MLflow run as failed, if it was begun. The step's own error matters more than one of MLflow."""
    from mlops_stacks.runtime.tracking import RECORD, open_tracker

    if not folder.exists(RECORD):
        return
    try:
        tracker = open_tracker(settings, folder)
        if tracker is not None:
            tracker.finish(succeeded=False)
    except RuntimeFault as fault:
        logging.getLogger("mlops_stacks").warning("the run could not be marked as failed: %s", fault)
