"""What the rows were like that a version was trained and evaluated on: its reference, and thresholds made of it.

Made once for each version, from the rows that the run which registered it has kept, and stored with the environment.
The same rows give the same baseline, to the last digit.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_components.spec.monitoring import WatchedModel
from mlops_stacks.runtime.errors import ContractError, SettingsError
from mlops_stacks.runtime.features.inputs import joiner
from mlops_stacks.runtime.monitoring.distances import calibrated
from mlops_stacks.runtime.monitoring.places import Places, read_document
from mlops_stacks.runtime.run_status import write_json
from mlops_stacks.runtime.user_code import user_errors
from mlops_stacks.runtime.workload import Column, KnowsRequests, StepContext, Workload

if TYPE_CHECKING:
    import pandas as pd

    from mlops_stacks.runtime.folder import RunFolder
    from mlops_stacks.runtime.saved_model import SavedModel

PREDICTION = Column("prediction", "float")
"""What the model answers is compared like an input."""


class NoReferenceError(SettingsError):
    """The rows that a version was trained on are not on this machine."""


def run_of(version: str, runs: Iterable[str]) -> Path:
    """The folder of the pipeline run that registered `version`. Raises `NoReferenceError`."""
    folders = [Path(folder) for folder in runs]
    for folder in folders:
        for record in sorted(folder.glob("*/registered.json")):
            if str(json.loads(record.read_text(encoding="utf-8")).get("version")) == version:
                return record.parent
    searched = " or ".join(str(folder) for folder in folders)
    raise NoReferenceError(
        f"there is no run in {searched} that registered version {version}, so there is nothing to compare requests"
        " with: train on this machine, and release what comes of it."
    )


def baseline_of(watched: WatchedModel, places: Places, workload: Workload) -> tuple[dict[str, Any], pd.DataFrame]:
    """The baseline and the reference rows of the watched version, made if they are not there yet."""
    import pandas as pd

    document, table = (
        places.baseline(watched["version"], watched["window_days"]),
        places.reference(watched["version"]),
    )
    found = read_document(document, None)
    if found is not None and table.exists():
        return found, pd.read_parquet(table)
    rows, inputs = _reference_rows(run_of(watched["version"], watched["runs"]), workload, watched)
    made = _baseline(rows, inputs, workload.time, watched)
    table.parent.mkdir(parents=True, exist_ok=True)
    part = table.with_name(f"{table.name}.part-{os.getpid()}")
    kept = rows.drop(columns=[workload.time]) if workload.time in rows else rows
    kept.to_parquet(part, index=False, compression="zstd")
    part.replace(table)
    # Last, since it stands for both.
    write_json(document, made)
    return made, kept


def inputs_of(baseline: Mapping[str, Any]) -> list[Column]:
    """The inputs of the version, features included, as it was trained: the workload may have others by now."""
    return [Column(**column) for column in baseline["inputs"]]


def _reference_rows(run: Path, workload: Workload, watched: WatchedModel) -> tuple[pd.DataFrame, Sequence[Column]]:
    """All that was known when the version was made, as it would have been asked, with the model's answers."""
    from mlops_stacks.runtime.folder import RunFolder
    from mlops_stacks.runtime.quiet_mlflow import hush
    from mlops_stacks.runtime.tracking import MODEL_ARTIFACT

    hush()
    from mlops_stacks.runtime.saved_model import SavedModel

    folder = RunFolder(run.as_uri())
    with folder.local_folder(MODEL_ARTIFACT) as path:
        model = SavedModel(str(path))
        rows = _asked(folder, workload, model, watched)
        rows = rows.assign(**{PREDICTION.name: model.predict(rows)})
    names = [*(column.name for column in model.inputs), PREDICTION.name]
    time = [workload.time] if workload.time and workload.time not in names else []
    return rows[[*names, *time]], model.inputs


def _asked(folder: RunFolder, workload: Workload, model: SavedModel, watched: WatchedModel) -> pd.DataFrame:
    """The workload's own `requests`, where it has that; else its training and evaluation rows."""
    import pandas as pd

    from mlops_stacks.runtime.steps.job import EVALUATION_ROWS, EXTRACT, TRAIN_ROWS
    from mlops_stacks.runtime.steps.train import SUMMARY

    if not isinstance(workload, KnowsRequests):
        return pd.concat([folder.read_frame(TRAIN_ROWS), folder.read_frame(EVALUATION_ROWS)], ignore_index=True)
    tables = {name: folder.read_frame(f"{EXTRACT}/{name}.parquet") for name in folder.names(EXTRACT, ".parquet")}
    parameters = folder.read_json(SUMMARY)["parameters"]
    logger = logging.getLogger("mlops_stacks.workload")
    with tempfile.TemporaryDirectory() as scratch, user_errors("the workload's `requests` failed"):
        context = StepContext(
            "monitor",
            folder.run_id,
            folder.uri,
            parameters,
            Path(scratch),
            logger,
            inputs=model.inputs,
            with_features=joiner(watched.get("feature_store"), model.features),
        )
        rows = workload.requests(context, tables).reset_index(drop=True)
    missing = [column.name for column in model.inputs if column.name not in rows]
    if missing:
        raise ContractError(
            f"the workload's `requests` lacks the columns {', '.join(missing)}, which version {watched['version']}"
            " takes (features come by `context.with_features`)."
        )
    return rows


def _baseline(rows: pd.DataFrame, inputs: Sequence[Column], time: str | None, watched: WatchedModel) -> dict[str, Any]:
    """Thresholds and, for data quality, missing shares and values seen."""
    columns = [*inputs, PREDICTION] if _is_numeric(rows[PREDICTION.name]) else list(inputs)
    found: Mapping[str, Any] = {"thresholds": {}, "windows": 0, "worst": {}}
    if time is not None:
        found = calibrated(rows, columns, rows[time], watched["window_days"])
    return {
        "version": watched["version"],
        "window_days": watched["window_days"],
        "rows": len(rows),
        **found,
        "inputs": [{"name": c.name, "kind": c.kind, "nullable": c.nullable} for c in inputs],
        "columns": {column.name: _described(rows[column.name], column) for column in inputs},
    }


def _is_numeric(values: pd.Series[Any]) -> bool:
    from pandas.api import types

    return bool(types.is_numeric_dtype(values))


def _described(values: pd.Series[Any], column: Column) -> dict[str, Any]:
    from mlops_stacks.runtime.monitoring.distances import is_number

    present = values.dropna()
    described: dict[str, Any] = {"missing_share": float(values.isna().mean())}
    if is_number(column) and len(present):
        described["lowest"], described["highest"] = float(present.min()), float(present.max())
    elif not is_number(column):
        described["values"] = sorted(present.astype(str).unique())
    return described
