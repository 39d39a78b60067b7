"""Turns raw tables into model inputs and labels, and checks them for signs that they know the future."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_components.spec.feature import input_name
from mlops_stacks.runtime.errors import ContractError, RefusedError
from mlops_stacks.runtime.leakage import overlap_in_time, single_input_strength
from mlops_stacks.runtime.steps.job import EVALUATION_ROWS, TRAIN_ROWS, Job, require_table
from mlops_stacks.runtime.user_code import user_errors
from mlops_stacks.runtime.workload import Column, Prepared

if TYPE_CHECKING:
    import pandas as pd

REPORT = "prepared.json"


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record."""
    with user_errors("the workload's `prepare` failed"):
        returned = job.workload.prepare(job.context, job.tables())
    if not isinstance(returned, Prepared):
        raise ContractError(f"`prepare` must return a `Prepared`, not {type(returned).__name__}.")
    prepared = Prepared(
        train=_conforming(returned.train, "the training table of `prepare`", job),
        evaluation=_conforming(returned.evaluation, "the evaluation table of `prepare`", job),
    )
    strengths = _refuse_leakage(job, prepared)
    job.folder.write_frame(TRAIN_ROWS, prepared.train)
    job.folder.write_frame(EVALUATION_ROWS, prepared.evaluation)
    rows = {"train": len(prepared.train), "evaluation": len(prepared.evaluation)}
    job.folder.write_json(REPORT, {"rows": rows, "single_input_auc": strengths})
    return {"rows": rows}


def _conforming(value: object, what: str, job: Job) -> pd.DataFrame:
    """The table with every input in its kind. Raises `ContractError` for what is missing or of another kind."""
    table, workload = require_table(value, what), job.workload
    needed = [*(column.name for column in job.inputs), workload.label, *workload.segments]
    needed += [workload.time] if workload.time else []
    missing = [name for name in dict.fromkeys(needed) if name not in table.columns]
    if missing:
        hint = " (features come by `context.with_features`)" if set(missing) & set(_feature_inputs(job)) else ""
        raise ContractError(f"{what} lacks the columns {', '.join(f'`{name}`' for name in missing)}{hint}.")
    if table[workload.label].isna().any():
        raise ContractError(f"{what} has rows without a label (`{workload.label}`): leave them out.")
    typed = {column.name: _typed(table[column.name], column, what) for column in job.inputs}
    return table.assign(**typed)


def _feature_inputs(job: Job) -> list[str]:
    return [input_name(feature) for feature in job.settings.get("features", [])]


def _typed(values: pd.Series[Any], column: Column, what: str) -> pd.Series[Any]:
    if not column.nullable and values.isna().any():
        raise ContractError(f"{what} has missing values in `{column.name}`, which is not nullable.")
    try:
        if column.kind == "string":
            return values.astype("str")
        if column.kind == "float":
            return values.astype("float64")
        return values.astype("int64" if column.kind == "integer" else "bool")
    except (TypeError, ValueError) as error:
        raise ContractError(f"{what} has values in `{column.name}` that are not {column.kind}: {error}.") from error


def _refuse_leakage(job: Job, prepared: Prepared) -> dict[str, float]:
    overlap = overlap_in_time(prepared, job.workload.time)
    if overlap:
        raise RefusedError(f"the prepared data is refused: {overlap}")
    strengths = single_input_strength(prepared, job.inputs, job.workload.label)
    limit = float(job.context.parameters["leakage_auc_limit"])
    suspects = [f"`{name}` ({area:.3f})" for name, area in strengths.items() if area > limit]
    if suspects:
        raise RefusedError(
            f"the prepared data is refused: {', '.join(suspects)} alone all but tells the label (AUC above {limit:g}),"
            " which mostly means that it knows the future; raise `leakage_auc_limit` if it may."
        )
    return strengths
