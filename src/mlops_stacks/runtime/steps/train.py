"""Fits a model on all prepared training rows and saves it in MLflow's format."""

from __future__ import annotations

import importlib
import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.quiet_mlflow import hush
from mlops_stacks.runtime.saved_model import METADATA_KEY, input_schema
from mlops_stacks.runtime.steps.job import PROFILE, TRAIN_ROWS, Job, numbers
from mlops_stacks.runtime.tracking import MODEL_ARTIFACT, RunTracker, open_tracker
from mlops_stacks.runtime.user_code import user_errors
from mlops_stacks.runtime.workload import Trained, input_names

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "train.json"
_EXAMPLE_ROWS = 3


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record."""
    rows = job.folder.read_frame(TRAIN_ROWS)
    with user_errors("the workload's `train` failed"):
        trained = job.workload.train(job.context, rows)
    if not isinstance(trained, Trained):
        raise ContractError(f"`train` must return a `Trained`, not {type(trained).__name__}.")
    metrics = numbers(trained.metrics, "the metrics of `train`")
    hush()
    model = job.context.scratch / MODEL_ARTIFACT
    save(trained, job, rows, model)
    job.folder.put_folder(model, MODEL_ARTIFACT)
    parameters = {**job.context.parameters, **trained.parameters}
    summary = {"rows": len(rows), "flavour": trained.flavour, "parameters": parameters, "metrics": metrics}
    job.folder.write_json(SUMMARY, summary)
    tracker = open_tracker(job.settings, job.folder)
    if tracker is not None:
        _track(tracker, job, model, summary)
    return {"rows": len(rows), "flavour": trained.flavour, "metrics": metrics}


def save(trained: Trained, job: Job, rows: pd.DataFrame, path: Path) -> None:
    """Save, load and try the model: one that cannot be loaded must fail here, not when it is to serve."""
    import mlflow
    from mlflow.models import ModelSignature, infer_signature, set_signature

    flavour = _flavour(trained.flavour)
    shutil.rmtree(path, ignore_errors=True)
    example = rows[input_names(job.inputs)].head(_EXAMPLE_ROWS)
    common: dict[str, Any] = {
        "path": str(path),
        "signature": ModelSignature(inputs=input_schema(job.inputs)),
        "input_example": example,
        "pip_requirements": _requirements(flavour, trained),
        "metadata": {METADATA_KEY: _description(trained, job)},
        **trained.options,
    }
    with user_errors(f"MLflow's flavour `{trained.flavour}` cannot save the model"):
        if trained.flavour == "pyfunc":
            flavour.save_model(python_model=trained.model, **common)
        else:
            flavour.save_model(trained.model, **common)
        answer = mlflow.pyfunc.load_model(str(path)).predict(example)
        outputs = infer_signature(model_output=answer).outputs
        set_signature(str(path), ModelSignature(inputs=input_schema(job.inputs), outputs=outputs))


def _flavour(name: str) -> Any:
    try:
        module = importlib.import_module(f"mlflow.{name}")
    except ImportError as error:
        raise ContractError(f"MLflow cannot load the flavour `{name}` that `train` names: {error}.") from error
    if not hasattr(module, "save_model"):
        raise ContractError(f"`mlflow.{name}`, which `train` names, is not a flavour: it has no `save_model`.")
    return module


def _requirements(flavour: Any, trained: Trained) -> list[str]:
    """Said outright: left alone, MLflow finds them by running the model in a second process for many seconds."""
    own = [f"{name}=={metadata.version(name)}" for name in ("mlflow-skinny", "pandas", "numpy")]
    defaults = [line for line in flavour.get_default_pip_requirements() if not line.startswith("mlflow")]
    return list(dict.fromkeys([*own, *defaults, *trained.requirements]))


def _description(trained: Trained, job: Job) -> dict[str, Any]:
    return {
        "prediction": {"name": trained.prediction.name, "column": trained.prediction.column},
        "label": job.workload.label,
        "segments": list(job.workload.segments),
        "features": list(job.settings.get("features", [])),
        "descriptions": {column.name: column.description for column in job.inputs if column.description},
    }


def _track(tracker: RunTracker, job: Job, model: Path, summary: dict[str, Any]) -> None:
    tracker.log(parameters=summary["parameters"], metrics=summary["metrics"])
    tracker.log_model(model)
    if job.folder.exists(PROFILE):
        tracker.log_document(PROFILE, job.folder.read_json(PROFILE))
