"""One MLflow run per pipeline run: found again by whichever step comes next, also after a kill."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops_components.spec.settings import StepSettings
from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.folder import RunFolder
from mlops_stacks.runtime.quiet_mlflow import hush, mlflow_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

RECORD = "tracking.json"
"""File of the run folder that holds the id of the MLflow run."""

MODEL_ARTIFACT = "model"
"""Name of the model's folder, in the run folder and among the MLflow run's artefacts."""

_LONGEST_PARAMETER = 500


class RunTracker(Protocol):
    """What records a run, whoever keeps the record."""

    run_id: str

    def log(self, *, parameters: Mapping[str, Any] | None = None, metrics: Mapping[str, float] | None = None) -> None:
        """Record parameters and metrics."""

    def log_document(self, name: str, value: Any) -> None:
        """Store a JSON document with the run."""

    def log_model(self, folder: Path) -> None:
        """Store a model in MLflow's format with the run."""

    def finish(self, *, succeeded: bool) -> None:
        """Say how the run ended; a run that is tried again may end anew."""


class Tracker:
    """The MLflow run that belongs to a run folder."""

    def __init__(self, client: MlflowClient, run_id: str, uri: str) -> None:
        """Wrap a run that exists."""
        self.client = client
        self.run_id = run_id
        self.uri = uri

    def log(self, *, parameters: Mapping[str, Any] | None = None, metrics: Mapping[str, float] | None = None) -> None:
        """Record parameters and metrics."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        params = [Param(name, str(value)[:_LONGEST_PARAMETER]) for name, value in (parameters or {}).items()]
        values = [Metric(name, float(value), now, 0) for name, value in (metrics or {}).items()]
        with mlflow_errors("parameters and metrics could not be recorded", self.uri):
            self.client.log_batch(self.run_id, metrics=values, params=params)

    def log_document(self, name: str, value: Any) -> None:
        """Store a JSON document among the run's artefacts."""
        with mlflow_errors(f"the artefact {name} could not be stored", self.uri):
            self.client.log_dict(self.run_id, value, name)

    def log_model(self, folder: Path) -> None:
        """Store a model in MLflow's format among the run's artefacts."""
        with mlflow_errors("the model could not be stored", self.uri):
            self.client.log_artifacts(self.run_id, str(folder), MODEL_ARTIFACT)

    def finish(self, *, succeeded: bool) -> None:
        """Say how the run ended; a run that is tried again may end anew."""
        with mlflow_errors("the run's end could not be recorded", self.uri):
            self.client.set_terminated(self.run_id, "FINISHED" if succeeded else "FAILED")


def is_sagemaker(registry_uri: str | None) -> bool:
    """Whether versions are SageMaker's model packages, of which MLflow knows nothing."""
    return registry_uri is not None and registry_uri.startswith("sagemaker://")


def mlflow_client(tracking_uri: str | None, registry_uri: str | None) -> MlflowClient:
    """A client of both stores, which also become MLflow's defaults in this process."""
    registry_uri = None if is_sagemaker(registry_uri) else registry_uri
    hush()
    import mlflow

    with mlflow_errors("MLflow cannot be used", tracking_uri or registry_uri):
        mlflow.set_tracking_uri(tracking_uri or registry_uri or "")
        mlflow.set_registry_uri(registry_uri or tracking_uri or "")
        return mlflow.MlflowClient(tracking_uri=tracking_uri or registry_uri, registry_uri=registry_uri or tracking_uri)


def open_tracker(settings: StepSettings, folder: RunFolder) -> RunTracker | None:
    """The tracker of this run, its record made if need be; None where runs are not tracked."""
    uri = settings["tracking_uri"]
    if uri is None:
        return None
    if uri.startswith("sagemaker-experiments://"):
        from mlops_stacks.runtime.tracking_sagemaker import open_trial

        return open_trial(uri, settings, folder)
    client = mlflow_client(uri, settings["registry_uri"])
    with mlflow_errors("the run could not be started", uri):
        if folder.exists(RECORD):
            run_id = str(folder.read_json(RECORD)["run_id"])
            client.update_run(run_id, "RUNNING")
        else:
            run_id = _find_or_create(client, settings, folder.run_id)
            folder.write_json(RECORD, {"run_id": run_id, "tracking_uri": uri})
    return Tracker(client, run_id, uri)


def _find_or_create(client: MlflowClient, settings: StepSettings, pipeline_run: str) -> str:
    """A kill between making the run and writing its id down must not make a second one."""
    experiment_id = _experiment(client, settings["experiment"] or settings["model"])
    wanted = f"tags.`{lineage.PIPELINE_RUN}` = '{pipeline_run}'"
    found = client.search_runs([experiment_id], filter_string=wanted, max_results=1)
    if found:
        return str(found[0].info.run_id)
    tags = {
        lineage.PIPELINE_RUN: pipeline_run,
        lineage.BLUEPRINT: settings["blueprint"],
        lineage.ENVIRONMENT: settings["environment"],
        lineage.MODEL: settings["model"],
    }
    return str(client.create_run(experiment_id, tags=tags, run_name=pipeline_run).info.run_id)


def _experiment(client: MlflowClient, name: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:
        # Another model's first run may have made it meanwhile.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)
