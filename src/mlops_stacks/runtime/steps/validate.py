"""Checks the extracted tables against the workload's schemas, and for drift since the last training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.drift import profile, stability
from mlops_stacks.runtime.errors import ContractError, RefusedError
from mlops_stacks.runtime.folder import RunFolder
from mlops_stacks.runtime.steps.job import PROFILE, Job
from mlops_stacks.runtime.tracking import is_sagemaker
from mlops_stacks.runtime.user_code import user_errors

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

REPORT = "validation.json"
_SHOWN = 3
"""So many failures make a sentence; all of them are in the report."""


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record."""
    tables = job.tables()
    with user_errors("the workload's `schemas` failed"):
        schemas = job.workload.schemas()
    failures = [sentence for name in schemas for sentence in _failures(name, schemas[name], tables)]
    if failures:
        job.folder.write_json(REPORT, {"failures": failures})
        shown = "; ".join(failures[:_SHOWN]) + (f"; and {len(failures) - _SHOWN} more" if failures[_SHOWN:] else "")
        raise RefusedError(f"the extracted data is refused: {shown}.")
    current = profile(tables, {name: _profiled(schemas[name], tables[name]) for name in schemas})
    job.folder.write_json(PROFILE, current)
    return _check_drift(job, tables, current)


def _failures(name: str, schema: pa.DataFrameSchema, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    from pandera.errors import SchemaError, SchemaErrors

    if name not in tables:
        raise ContractError(f"`schemas` describes a table `{name}`, which `extract` does not return.")
    with user_errors(f"the schema of table `{name}` failed"):
        try:
            schema.validate(tables[name], lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases
        except SchemaError as error:
            return [f"table `{name}`: {error}"]
        else:
            return []
    grouped = cases.groupby(["schema_context", "column", "check"], dropna=False, sort=False)["failure_case"]
    return [
        _sentence(name, str(context), str(column), str(check), group) for (context, column, check), group in grouped
    ]


def _sentence(table: str, context: str, column: str, check: str, cases: pd.Series[Any]) -> str:
    place = f"table `{table}`" if context == "DataFrameSchema" else f"column `{column}` of table `{table}`"
    if check == "column_in_dataframe":
        return f"table `{table}` has no column `{cases.iloc[0]}`"
    rows = f"in {len(cases)} rows" if len(cases) > 1 else "once"
    return f"{place} fails `{check}` {rows}, e.g. {cases.iloc[0]}"


def _profiled(schema: pa.DataFrameSchema, table: pd.DataFrame) -> list[str]:
    columns = schema.columns.items()
    return [name for name, c in columns if (c.metadata or {}).get("drift", True) and name in table.columns]


def _check_drift(job: Job, tables: Mapping[str, pd.DataFrame], current: Mapping[str, Any]) -> dict[str, Any]:
    reference, version = _reference(job)
    indices = stability(reference, tables)
    limit = float(job.context.parameters["drift_psi_limit"])
    drifted = sorted((name for name, index in indices.items() if index > limit), key=lambda name: -indices[name])
    report = {"failures": [], "columns": len(current), "against_version": version, "psi": indices, "drifted": drifted}
    job.folder.write_json(REPORT, report)
    if drifted:
        listed = ", ".join(f"{name} ({indices[name]:.2f})" for name in drifted[:_SHOWN])
        text = (
            f"{len(drifted)} of {len(indices)} columns have drifted from the data of version {version}"
            f" (stability index above {limit:g}): {listed}."
        )
        if job.context.parameters["drift_action"] == "fail":
            raise RefusedError(f"the extracted data is refused: {text}")
        job.context.logger.warning(text)
    return {"columns": len(current), "against_version": version, "drifted": drifted}


def _reference(job: Job) -> tuple[dict[str, Any], str | None]:
    """The profile of the newest registered version's training data, if there is a registry and a version."""
    settings = job.settings
    model = settings["registered_model"]
    if model is None:
        return {}, None
    if is_sagemaker(settings["registry_uri"]):
        return _profile_of_package(job, model)
    if settings["registry_uri"] is None or settings["tracking_uri"] is None:
        return {}, None
    from mlops_stacks.runtime.quiet_mlflow import mlflow_errors
    from mlops_stacks.runtime.registry import Registry

    registry = Registry(settings["tracking_uri"], settings["registry_uri"])
    for version in registry.versions(model):
        if version.run_id is None:
            continue
        with mlflow_errors("the last training data's profile could not be read", registry.uri):
            artefacts = {item.path for item in registry.client.list_artifacts(version.run_id)}
            if PROFILE in artefacts:
                path = registry.client.download_artifacts(version.run_id, PROFILE, str(job.context.scratch))
                return json.loads(Path(path).read_text()), str(version.version)
    return {}, None


def _profile_of_package(job: Job, model: str) -> tuple[dict[str, Any], str | None]:
    """SageMaker's versions say in which run folder they were made; the profile is there.

    Only versions of this environment count: the run folders of others are not this step's to read.
    """
    from mlops_stacks.runtime.registry_sagemaker import RUN_FOLDER, SageMakerRegistry

    for version in SageMakerRegistry(str(job.settings["registry_uri"])).versions(model):
        if RUN_FOLDER in version.tags and version.tags.get(lineage.ENVIRONMENT) == job.settings["environment"]:
            folder = RunFolder(version.tags[RUN_FOLDER])
            if folder.exists(PROFILE):
                return folder.read_json(PROFILE), version.version
    return {}, None
