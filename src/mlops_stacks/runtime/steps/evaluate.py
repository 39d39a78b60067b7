"""Measures the saved model on the evaluation rows, overall and per segment.

The model is loaded as the server loads it, so what is measured is what would serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.quiet_mlflow import hush
from mlops_stacks.runtime.steps.job import EVALUATION_ROWS, Job, numbers
from mlops_stacks.runtime.tracking import MODEL_ARTIFACT, open_tracker
from mlops_stacks.runtime.user_code import user_errors

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

REPORT = "evaluation.json"

Segments = dict[str, dict[str, dict[str, float]]]
"""Segment column -> its value -> metric -> value."""


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record."""
    hush()
    from mlops_stacks.runtime.saved_model import SavedModel

    rows = job.folder.read_frame(EVALUATION_ROWS)
    with job.folder.local_folder(MODEL_ARTIFACT) as path, user_errors("the saved model cannot predict"):
        predictions = SavedModel(str(path)).predict(rows)
    metrics = _measured(job, rows, predictions)
    if not metrics:
        raise ContractError("`evaluate` returned no metric.")
    segments = _per_segment(job, rows, predictions)
    everything = {**metrics, **_extremes(segments)}
    job.folder.write_json(REPORT, {"rows": len(rows), "overall": metrics, "segments": segments, "metrics": everything})
    tracker = open_tracker(job.settings, job.folder)
    if tracker is not None:
        tracker.log(metrics=everything)
        tracker.log_document(REPORT, job.folder.read_json(REPORT))
    return {"rows": len(rows), "metrics": metrics}


def _measured(job: Job, rows: pd.DataFrame, predictions: npt.NDArray[Any]) -> dict[str, float]:
    with user_errors("the workload's `evaluate` failed"):
        returned = job.workload.evaluate(job.context, rows, predictions)
    return numbers(returned, "what `evaluate` returns")


def _per_segment(job: Job, rows: pd.DataFrame, predictions: npt.NDArray[Any]) -> Segments:
    smallest = int(job.context.parameters["segment_minimum_rows"])
    found: Segments = {}
    for column in job.workload.segments:
        values = rows[column].value_counts()
        members = {str(value): (rows[column] == value).to_numpy() for value in values.index[values >= smallest]}
        found[column] = {
            value: {"rows": int(mask.sum()), **_measured(job, rows[mask], predictions[mask])}
            for value, mask in members.items()
        }
    return found


def _extremes(segments: Segments) -> dict[str, float]:
    """`<column>.<metric>.min` and `.max`: what a threshold on bias can hold on to, e.g. `carrier.auc.min`."""
    found: dict[str, float] = {}
    for column, members in segments.items():
        names = {name for measured in members.values() for name in measured if name != "rows"}
        for name in sorted(names):
            values = [measured[name] for measured in members.values() if name in measured]
            found[f"{column}.{name}.min"], found[f"{column}.{name}.max"] = min(values), max(values)
    return found
