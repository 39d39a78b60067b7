"""Makes one report: the short-lived child of the monitor, and the only place that loads Evidently."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_components.spec.monitoring import WatchedModel
from mlops_stacks.runtime.errors import RuntimeFault, SettingsError
from mlops_stacks.runtime.monitoring.baseline import baseline_of, inputs_of
from mlops_stacks.runtime.monitoring.captured import Captured, read_captured
from mlops_stacks.runtime.monitoring.distances import is_number
from mlops_stacks.runtime.monitoring.documents import monitor_settings
from mlops_stacks.runtime.monitoring.findings import (
    FEWEST_ROWS,
    drift_of,
    never_fires,
    quality_of_data,
    quality_of_model,
    thresholds_of,
)
from mlops_stacks.runtime.monitoring.places import Places, places_of
from mlops_stacks.runtime.user_code import load_workload
from mlops_stacks.runtime.workload import Column, Workload

if TYPE_CHECKING:
    import pandas as pd

PAGE = "report.html"
EVIDENTLY = "report.json"
SUMMARY = "summary.json"


def report_name(version: str, until: datetime) -> str:
    """The name of a report: one for each version and window end, however often it is made."""
    return f"{until:%Y%m%dT%H%MZ}-v{version}"


def report_command(settings_uri: str, model: str, until: str) -> int:
    """Make the report on `model` for the window that ends at `until` (ISO 8601); returns the exit code."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    warnings.simplefilter("ignore")
    try:
        settings = monitor_settings(settings_uri)
        if model not in settings["models"]:
            raise SettingsError(f"the monitor does not watch a model `{model}`.")
        summary = make_report(settings["models"][model], places_of(settings, model), datetime.fromisoformat(until))
    except RuntimeFault as fault:
        sys.stderr.write(f"error: {fault}\n")
        return fault.exit_code
    logging.getLogger("mlops_stacks.monitor").info("%s: %s", summary["report"], summary["drift"]["reason"])
    return 0


def make_report(watched: WatchedModel, places: Places, until: datetime) -> dict[str, Any]:
    """Make a report, or find it made; returns its summary. It appears whole or not at all."""
    name = report_name(watched["version"], until)
    finished = places.reports / name / SUMMARY
    if finished.exists():
        found: dict[str, Any] = json.loads(finished.read_text(encoding="utf-8"))
        return found
    started = time.monotonic()
    workload = load_workload(watched["workload"])
    baseline, reference = baseline_of(watched, places, workload)
    since = until - timedelta(days=watched["window_days"])
    captured = read_captured(watched["capture"], watched["version"], since, until) if watched["capture"] else Captured()
    columns = inputs_of(baseline)
    rows = captured.rows(columns)
    draft = places.reports / f".{name}-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    if len(rows) >= FEWEST_ROWS:
        thresholds = thresholds_of(watched, baseline, columns)
        _write_pages(draft, rows, reference, columns, thresholds)
    quality = _model_quality(rows, watched, workload, name)
    summary = {
        "report": name,
        "version": watched["version"],
        "since": since.isoformat(),
        "until": until.isoformat(),
        "window_days": watched["window_days"],
        "windows_running": watched["limits"]["windows_running"],
        "rows": len(rows),
        "broken_lines": captured.broken_lines,
        "drift": drift_of(rows, reference, watched, baseline),
        "data": quality_of_data(rows, baseline),
        "quality": quality,
        "problem": never_fires(watched, baseline, quality["metrics"]),
        "seconds": round(time.monotonic() - started, 3),
    }
    if summary["problem"]:
        logging.getLogger("mlops_stacks.monitor").warning("%s", summary["problem"])
    (draft / SUMMARY).write_text(json.dumps(summary, indent=2), encoding="utf-8")
    shutil.rmtree(places.reports / name, ignore_errors=True)
    draft.rename(places.reports / name)
    _tidy(places, watched["keep_pages"])
    return summary


def _model_quality(rows: pd.DataFrame, watched: WatchedModel, workload: Workload, name: str) -> dict[str, Any]:
    """Labels that the workload cannot make sense of must not keep drift from being seen."""
    try:
        return quality_of_model(rows, watched, workload, name)
    except RuntimeFault as fault:
        logging.getLogger("mlops_stacks.monitor").warning("%s", fault)
        return {"bad": None, "reason": str(fault), "labelled": 0, "metrics": {}}


def _write_pages(
    folder: Path,
    rows: pd.DataFrame,
    reference: pd.DataFrame,
    columns: Sequence[Column],
    thresholds: dict[str, float],
) -> None:
    """Evidently's page and its numbers: drift against our thresholds, and a summary of each column."""
    from evidently import Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    drift = DataDriftPreset(
        columns=[column.name for column in columns],
        num_method="wasserstein",
        cat_method="jensenshannon",
        per_column_threshold=thresholds,
    )
    current, known = (_dataset(table, columns) for table in (rows, reference))
    snapshot = Report([drift, DataSummaryPreset()]).run(current, known)
    snapshot.save_html(str(folder / PAGE))
    snapshot.save_json(str(folder / EVIDENTLY))


def _dataset(table: pd.DataFrame, columns: Sequence[Column]) -> Any:
    from evidently import DataDefinition, Dataset

    numbers = [column.name for column in columns if is_number(column)]
    others = [column.name for column in columns if not is_number(column)]
    typed = {**dict.fromkeys(numbers, "float64"), **dict.fromkeys(others, "object")}
    selected = table[[*numbers, *others]].astype(typed)
    for name in others:
        selected[name] = selected[name].map(lambda value: value if value is None or value != value else str(value))
    return Dataset.from_pandas(
        selected, data_definition=DataDefinition(numerical_columns=numbers, categorical_columns=others)
    )


def _tidy(places: Places, keep: int) -> None:
    """Drop the pages of old reports, and drafts that a kill left behind."""
    for draft in places.reports.glob(".*-*"):
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
    for page in sorted(places.reports.glob(f"*/{PAGE}"))[:-keep]:
        page.unlink(missing_ok=True)
