"""Registers the accepted model with its full lineage, once per run however often the step is tried."""

from __future__ import annotations

from typing import Any

from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.errors import RefusedError
from mlops_stacks.runtime.steps.evaluate import REPORT as EVALUATION
from mlops_stacks.runtime.steps.extract import SUMMARY as EXTRACTED
from mlops_stacks.runtime.steps.job import Job
from mlops_stacks.runtime.steps.train import SUMMARY as TRAINED
from mlops_stacks.runtime.steps.validate_model import REPORT as DECISION
from mlops_stacks.runtime.tracking import MODEL_ARTIFACT, Tracker, is_sagemaker, open_tracker

REPORT = "registered.json"
_LONGEST_TAG = 500


def run(job: Job) -> dict[str, Any]:
    """Run the step; the returned summary goes into the run's record."""
    if not job.folder.read_json(DECISION)["accepted"]:
        raise RefusedError("the model of this run was refused by `validate_model` and is not registered.")
    tags = version_tags(job)
    job.folder.write_json("lineage.json", tags)
    registered = _register(job, tags)
    job.folder.write_json(REPORT, registered)
    return registered


def version_tags(job: Job) -> dict[str, str]:
    """Everything a version says about where it comes from."""
    settings = job.settings
    approved = settings["approval"] == "automatic"
    tags = {
        lineage.PIPELINE_RUN: job.folder.run_id,
        lineage.BLUEPRINT: settings["blueprint"],
        lineage.ENVIRONMENT: settings["environment"],
        lineage.MODEL: settings["model"],
        lineage.DATASET_VERSION: job.folder.read_json(EXTRACTED)["dataset_version"],
        lineage.COMMIT: settings["workload"].get("commit") or lineage.commit(settings["workload"].get("path")),
        lineage.PACKAGE: settings["workload"].get("package") or "none",
        **lineage.environment(),
        lineage.APPROVAL: "approved" if approved else "pending",
    }
    if approved:
        tags[lineage.APPROVED_BY] = "policy: automatic"
    for name, value in job.folder.read_json(TRAINED)["parameters"].items():
        tags[f"{lineage.PARAMETER_PREFIX}{name}"] = str(value)[:_LONGEST_TAG]
    for name, value in job.folder.read_json(EVALUATION)["overall"].items():
        tags[f"{lineage.METRIC_PREFIX}{name}"] = repr(float(value))
    return tags


def _register(job: Job, tags: dict[str, str]) -> dict[str, Any]:
    settings = job.settings
    tracker = open_tracker(settings, job.folder)
    stored = job.folder.location(MODEL_ARTIFACT)
    version: str | None = None
    name = settings["registered_model"] or settings["model"]
    if is_sagemaker(settings["registry_uri"]):
        from mlops_stacks.runtime.steps.packaging import register_package

        version = register_package(job, name, tags, tracker.run_id if tracker else None)
        stored = f"{name.replace(':model-package-group/', ':model-package/', 1)}/{version}"
    elif settings["registry_uri"] is not None:
        from mlops_stacks.runtime.registry import Registry

        registry = Registry(settings["tracking_uri"], settings["registry_uri"])
        source = _artefact_uri(tracker.client, tracker.run_id) if isinstance(tracker, Tracker) else stored
        version = registry.register(name, source, tracker.run_id if tracker else None, tags)
        stored = f"models:/{name}/{version}"
    if tracker is not None:
        tracker.finish(succeeded=True)
    return {"model": name, "version": version, "model_uri": stored, "approval": tags[lineage.APPROVAL]}


def _artefact_uri(client: Any, run_id: str) -> str:
    """Run artefacts, not MLflow 3's logged models: managed MLflow services know only the former everywhere."""
    return f"{client.get_run(run_id).info.artifact_uri.rstrip('/')}/{MODEL_ARTIFACT}"
