"""Runs one step of a pipeline: the command that every platform starts."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile
import time
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


def record_name(step: str) -> str:
    """The file of the run folder that says how a step ended."""
    return f"steps/{step}.json"


def run_step(step: str, settings_uri: str, run_uri: str) -> int:
    """Run `step`; returns the exit code (see `errors.RuntimeFault`). What went wrong is one sentence on stderr.

    How it ended is also recorded in `<run>/steps/<step>.json`, from which a runner takes the sentence.
    """
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
        return _say(fault)
    try:
        summary = _execute(step, settings, folder)
    except RuntimeFault as fault:
        _record(folder, step, "failed", started, error=str(fault))
        _mark_failed(settings, folder)
        return _say(fault)
    _record(folder, step, "succeeded", started, summary=summary)
    return 0


def _say(fault: RuntimeFault) -> int:
    sys.stderr.write(f"error: {fault}\n")
    return fault.exit_code


def _execute(step: str, settings: StepSettings, folder: RunFolder) -> dict[str, Any]:
    take_secrets(settings.get("secrets", {}))
    workload = load_workload(settings["workload"])
    run_parameters = _run_parameters(folder)
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
        module = importlib.import_module(f"mlops_stacks.runtime.steps.{step}")
        summary: dict[str, Any] = module.run(Job(settings, folder, workload, context))
    return summary


def _run_parameters(folder: RunFolder) -> dict[str, Any]:
    if not folder.exists(PARAMETERS):
        return {}
    uri = folder.location(PARAMETERS)
    values = parse_json(read_bytes(uri), f"the run's parameters {uri}")
    if not isinstance(values, dict):
        raise SettingsError(f"the run's parameters {uri} must be a JSON object.")
    return values


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
