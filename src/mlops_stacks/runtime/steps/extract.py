"""Fetches the raw tables of a run; a hash of their content is the data set version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.lineage import dataset_version
from mlops_stacks.runtime.steps.job import EXTRACT, Job, require_table
from mlops_stacks.runtime.user_code import user_errors

SUMMARY = "extract.json"


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record."""
    with user_errors("the workload's `extract` failed"):
        returned = job.workload.extract(job.context)
    if not isinstance(returned, Mapping) or not returned:
        raise ContractError("`extract` must return a mapping of names to tables, not empty.")
    tables = {str(name): require_table(table, f"the table `{name}` of `extract`") for name, table in returned.items()}
    for name, table in tables.items():
        job.folder.write_frame(f"{EXTRACT}/{name}.parquet", table)
    # The hash is of what the later steps read: Parquet may change a type on the way.
    stored = {name: job.folder.read_frame(f"{EXTRACT}/{name}.parquet") for name in tables}
    summary = {
        "dataset_version": dataset_version(stored),
        "rows": {name: len(table) for name, table in tables.items()},
    }
    job.folder.write_json(SUMMARY, summary)
    return summary
