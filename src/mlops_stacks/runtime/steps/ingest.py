"""Brings the features that the workload computes into the feature store: history first, then the online rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_components.spec.feature import AnyFeatureStoreRef
from mlops_stacks.runtime.errors import ContractError, SettingsError
from mlops_stacks.runtime.features.stores import ingest
from mlops_stacks.runtime.steps.job import Job
from mlops_stacks.runtime.user_code import user_errors
from mlops_stacks.runtime.workload import OffersFeatures

REPORT = "ingested.json"


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record. Repeating it changes nothing."""
    store = job.settings.get("feature_store")
    if store is None:
        raise SettingsError("the settings name no feature store, so there is nowhere to bring features.")
    computed = _computed(job, store)
    brought = ingest(store, computed)
    summary = {"rows": {group: len(rows) for group, rows in computed.items()}, **brought}
    job.folder.write_json(REPORT, summary)
    return summary


def _computed(job: Job, store: AnyFeatureStoreRef) -> dict[str, Any]:
    """The workload's rows of each group that the blueprint defines, checked."""
    from mlops_stacks.runtime.features.history import known_groups, typed_rows

    if not isinstance(job.workload, OffersFeatures):
        raise ContractError(
            "the model reads features, but the workload computes none: give it a method `features`"
            " (see mlops_stacks.runtime.workload.OffersFeatures)."
        )
    with user_errors("the workload's `features` failed"):
        returned = job.workload.features(job.context, job.tables())
    if not isinstance(returned, Mapping):
        raise ContractError(f"`features` must return a mapping of groups to tables, not {type(returned).__name__}.")
    groups = known_groups(store, returned)
    others = sorted(set(returned) - set(groups))
    if others:
        job.context.logger.info("the blueprint has no feature group %s: left out", ", ".join(others))
    return {group: typed_rows(group, store["groups"][group], returned[group]) for group in groups}
