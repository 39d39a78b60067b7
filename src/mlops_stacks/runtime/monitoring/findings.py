"""What a window of captured rows says: drift, quality of the data, quality of the model where labels have arrived."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_components.spec.monitoring import WatchedModel
from mlops_stacks.runtime.monitoring.baseline import PREDICTION, inputs_of
from mlops_stacks.runtime.monitoring.captured import labels_of
from mlops_stacks.runtime.monitoring.distances import FALLBACK, distances, drifted, is_number
from mlops_stacks.runtime.user_code import user_errors
from mlops_stacks.runtime.workload import Column, StepContext, Workload

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 100
"""A window with fewer rows, or fewer labels, is no evidence in either direction."""


def thresholds_of(watched: WatchedModel, baseline: Mapping[str, Any], columns: list[Column]) -> dict[str, float]:
    """The blueprint's thresholds, else the calibrated ones, else Evidently's."""
    calibrated = {c.name: baseline["thresholds"].get(c.name, FALLBACK) for c in columns}
    asked = {name: value for name, value in watched["limits"]["drift"].items() if name in calibrated}
    return {**calibrated, **asked}


def never_fires(watched: WatchedModel, baseline: Mapping[str, Any], metrics: Mapping[str, float]) -> str | None:
    """What of the limits can never raise an alarm, as one sentence that names what there is; None: all of them can.

    `metrics` are those that `evaluate` returned; empty as long as there are too few labels to call it.
    """
    limits, inputs = watched["limits"], [column.name for column in inputs_of(baseline)]
    found = [
        *(_unknown("drift", name, "input", inputs) for name in sorted(set(limits["drift"]) - set(inputs))),
        *(
            _unknown("minimum_quality", name, "metric", sorted(metrics))
            for name in sorted(set(limits["minimum_quality"]) - set(metrics))
            if metrics
        ),
    ]
    if limits["drifted_features"] > len(inputs):
        found.append(
            f"`drifted_features` is {limits['drifted_features']}, but the model has only {len(inputs)} inputs "
            f"({', '.join(inputs)}), so no drift is ever an alarm"
        )
    return "; ".join(found) or None


def _unknown(field: str, name: str, kind: str, known: list[str]) -> str:
    close = get_close_matches(name, known, 1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    return f"`{field}` names `{name}`, which is no {kind} of the model ({hint}it has {', '.join(known)})"


def drift_of(
    rows: pd.DataFrame, reference: pd.DataFrame, watched: WatchedModel, baseline: Mapping[str, Any]
) -> dict[str, Any]:
    """Distance and threshold of each input; `bad` is None where there are too few rows to tell."""
    columns = inputs_of(baseline)
    limits = thresholds_of(watched, baseline, columns)
    if len(rows) < FEWEST_ROWS:
        reason = f"{len(rows)} rows are too few to tell"
        return {"bad": None, "reason": reason, "features": {}, "drifted": [], "prediction": None}
    measured = distances(reference, rows, columns)
    over = drifted(measured, limits)
    return {
        "bad": len(over) >= watched["limits"]["drifted_features"],
        "reason": f"{len(over)} features have drifted: {', '.join(over)}" if over else "no feature has drifted",
        "features": {name: {"score": value, "threshold": limits[name]} for name, value in measured.items()},
        "drifted": over,
        "prediction": _prediction_drift(rows, reference, baseline),
    }


def _prediction_drift(
    rows: pd.DataFrame, reference: pd.DataFrame, baseline: Mapping[str, Any]
) -> dict[str, float] | None:
    """Of models that answer with numbers. It is reported, and raises no alarm by itself: inputs move it."""
    threshold = baseline["thresholds"].get(PREDICTION.name)
    if threshold is None:
        return None
    found = distances(reference, rows, [PREDICTION])
    return {"score": found[PREDICTION.name], "threshold": threshold} if found else None


def quality_of_data(rows: pd.DataFrame, baseline: Mapping[str, Any]) -> dict[str, Any]:
    """Of each input the share that is missing, and the share that the reference has never seen the like of."""
    return {
        column.name: {
            "missing_share": float(rows[column.name].isna().mean()) if len(rows) else 0.0,
            "reference_missing_share": baseline["columns"][column.name]["missing_share"],
            "unseen_share": _unseen(rows[column.name], column, baseline["columns"][column.name]),
        }
        for column in inputs_of(baseline)
    }


def _unseen(values: pd.Series[Any], column: Column, seen: Mapping[str, Any]) -> float:
    present = values.dropna()
    if not len(present):
        return 0.0
    if is_number(column):
        outside = (present < seen.get("lowest", float("-inf"))) | (present > seen.get("highest", float("inf")))
        return float(outside.mean())
    return float((~present.astype(str).isin(seen["values"])).mean())


def quality_of_model(rows: pd.DataFrame, watched: WatchedModel, workload: Workload, report: str) -> dict[str, Any]:
    """What the workload's own `evaluate` says of the rows whose label has arrived."""
    labels = labels_of(watched["labels"], rows)
    if len(labels) < FEWEST_ROWS:
        reason = f"{len(labels)} labels are too few to tell"
        return {"bad": None, "reason": reason, "labelled": len(labels), "metrics": {}}
    positions = sorted(labels)
    labelled = rows.iloc[positions].reset_index(drop=True)
    labelled[workload.label] = [labels[at] for at in positions]
    with tempfile.TemporaryDirectory() as scratch, user_errors("the workload's `evaluate` failed on captured rows"):
        context = StepContext(
            "monitor", report, "", workload.parameters, Path(scratch), logging.getLogger("mlops_stacks.workload")
        )
        returned = workload.evaluate(context, labelled, labelled["prediction"].to_numpy())
    metrics = {str(name): float(value) for name, value in returned.items()}
    low = [
        f"{name} is {metrics[name]:.4g}, below {least:g}"
        for name, least in sorted(watched["limits"]["minimum_quality"].items())
        if name in metrics and metrics[name] < least
    ]
    reason = "; ".join(low) or "as good as asked for"
    return {"bad": bool(low), "reason": reason, "labelled": len(labels), "metrics": metrics}
