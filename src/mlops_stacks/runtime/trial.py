"""One trial of a tuning job: trains with some parameters on a part of the training rows, and measures on the rest.

It leaves nothing in the run folder: what counts is one line of its log, from which SageMaker reads the metric. The rows
that the pipeline's `evaluate` uses stay unseen, so that tuning cannot make a model look better than it is.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.documents import parse_json, step_settings
from mlops_stacks.runtime.errors import ContractError, RuntimeFault, SettingsError
from mlops_stacks.runtime.folder import RunFolder
from mlops_stacks.runtime.step import begun, say
from mlops_stacks.runtime.steps.job import TRAIN_ROWS, Job, numbers
from mlops_stacks.runtime.user_code import user_errors

if TYPE_CHECKING:
    import pandas as pd

HYPERPARAMETERS = Path("/opt/ml/input/config/hyperparameters.json")
"""Where SageMaker leaves what this trial is to try."""
_LINE = "mlops_stacks trial {metric}={value!r}\n"
_MEASURED_ON = 0.2
"""Share of the training rows, the latest ones, that a trial is measured on."""


def trial_command() -> int:
    """Run a trial as its environment says; returns the exit code."""
    try:
        metric, value = run_trial(
            _told("MLOPS_STACKS_SETTINGS"), _told("MLOPS_STACKS_RUN"), _told("MLOPS_STACKS_TRIAL_METRIC"), _tried()
        )
    except RuntimeFault as fault:
        return say(fault)
    sys.stdout.write(_LINE.format(metric=metric, value=value))
    return 0


def run_trial(settings_uri: str, run_uri: str, metric: str, tried: dict[str, Any]) -> tuple[str, float]:
    """The metric of a model that was trained with the parameters `tried`."""
    settings, folder = step_settings(settings_uri), RunFolder(run_uri)
    with begun("train", settings, folder, tried) as job:
        rows = _ordered(job, job.folder.read_frame(TRAIN_ROWS))
        kept = max(1, round(len(rows) * (1 - _MEASURED_ON)))
        measured = _measured(job, rows.iloc[:kept], rows.iloc[kept:])
    if metric not in measured:
        known = ", ".join(f"`{name}`" for name in sorted(measured))
        raise SettingsError(f"tuning names the metric `{metric}`, which `evaluate` does not report: it has {known}.")
    return metric, measured[metric]


def _ordered(job: Job, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by time, where the workload says when they happened."""
    time = job.workload.time
    return rows.sort_values(time, kind="stable") if time is not None and time in rows.columns else rows


def _measured(job: Job, train: pd.DataFrame, rest: pd.DataFrame) -> dict[str, float]:
    """The model is saved and loaded as `train` does it: what is measured is what would serve."""
    from mlops_stacks.runtime.quiet_mlflow import hush
    from mlops_stacks.runtime.saved_model import SavedModel
    from mlops_stacks.runtime.steps.train import save
    from mlops_stacks.runtime.workload import Trained

    with user_errors("the workload's `train` failed"):
        trained = job.workload.train(job.context, train)
    if not isinstance(trained, Trained):
        raise ContractError(f"`train` must return a `Trained`, not {type(trained).__name__}.")
    hush()
    path = job.context.scratch / "model"
    save(trained, job, train, path)
    with user_errors("the saved model cannot predict"):
        predictions = SavedModel(str(path)).predict(rest)
    with user_errors("the workload's `evaluate` failed"):
        returned = job.workload.evaluate(job.context, rest, predictions)
    return numbers(returned, "what `evaluate` returns")


def _told(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise SettingsError(f"`{variable}` is not set: a trial is started by a tuning job of a training pipeline.")
    return value


def _tried() -> dict[str, Any]:
    """What SageMaker chose; its own entries begin with an underscore, and every value is text."""
    if not HYPERPARAMETERS.is_file():
        return {}
    values = parse_json(HYPERPARAMETERS.read_bytes(), f"{HYPERPARAMETERS}")
    if not isinstance(values, dict):
        raise SettingsError(f"{HYPERPARAMETERS} must be a JSON object.")
    return {name: _unquoted(str(value)) for name, value in values.items() if not name.startswith("_")}


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        unquoted = json.loads(value)
        return str(unquoted)
    return value
