"""Runs recorded by SageMaker Experiments: a trial of the model's experiment, with one component, for each pipeline run.

Names are made from experiment and run, so that whichever step comes next finds the run again, also after a kill.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlops_components.spec.settings import StepSettings
from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.errors import SettingsError, TrackingError
from mlops_stacks.runtime.folder import RunFolder
from mlops_stacks.runtime.tracking import MODEL_ARTIFACT, RECORD

_LONGEST_RUN = 32
_MOST_METRICS = 10
"""SageMaker API, `BatchPutMetrics`: so many at a time."""
_LONGEST_TEXT = 2500
"""SageMaker API, `TrialComponentParameterValue`."""
_MISSING = frozenset({"ResourceNotFound", "ValidationException", "ValidationError"})
"""How AWS says that there is no trial or component of a name."""


class TrialTracker:
    """The component that belongs to a run folder."""

    def __init__(self, sagemaker: Any, metrics: Any, name: str, folder: RunFolder) -> None:
        """Wrap a component that exists."""
        self.run_id = name
        self._sagemaker, self._metrics, self._folder = sagemaker, metrics, folder

    def log(self, *, parameters: Mapping[str, Any] | None = None, metrics: Mapping[str, float] | None = None) -> None:
        """Record parameters and metrics; a number in a parameter stays one."""
        with aws_errors("parameters and metrics could not be recorded"):
            if parameters:
                self._add("Parameters", {name: _parameter(value) for name, value in parameters.items()})
            for some in _portions(metrics or {}):
                now = datetime.now(UTC)
                data = [{"MetricName": n, "Timestamp": now, "Step": 0, "Value": float(v)} for n, v in some.items()]
                answer = self._metrics.batch_put_metrics(TrialComponentName=self.run_id, MetricData=data)
                if answer.get("Errors"):
                    raise TrackingError(f"SageMaker refused metrics of {self.run_id}: {answer['Errors'][0]['Code']}.")

    def log_document(self, name: str, value: Any) -> None:
        """Refer to a JSON document, which is written into the run folder if it is not there."""
        if not self._folder.exists(name):
            self._folder.write_json(name, value)
        self._refer(name, "application/json")

    def log_model(self, folder: Path) -> None:
        """Refer to the model, which the training step puts into the run folder."""
        if not self._folder.exists(MODEL_ARTIFACT):
            self._folder.put_folder(folder, MODEL_ARTIFACT)
        self._refer(MODEL_ARTIFACT, "application/vnd.mlflow.model")

    def finish(self, *, succeeded: bool) -> None:
        """Say how the run ended; a run that is tried again may end anew."""
        status = {"PrimaryStatus": "Completed" if succeeded else "Failed"}
        with aws_errors("the run's end could not be recorded"):
            self._sagemaker.update_trial_component(
                TrialComponentName=self.run_id, Status=status, EndTime=datetime.now(UTC)
            )

    def _refer(self, name: str, media_type: str) -> None:
        artifact = {"Value": self._folder.location(name), "MediaType": media_type}
        with aws_errors(f"the artefact {name} could not be recorded"):
            self._add("OutputArtifacts", {name: artifact})

    def _add(self, what: str, values: Mapping[str, Any]) -> None:
        """Add to what earlier steps have recorded: an update may be taken for all that there is."""
        before = self._sagemaker.describe_trial_component(TrialComponentName=self.run_id).get(what) or {}
        self._sagemaker.update_trial_component(TrialComponentName=self.run_id, **{what: {**before, **values}})


def open_trial(uri: str, settings: StepSettings, folder: RunFolder) -> TrialTracker:
    """The tracker of this run, its trial and component made if need be."""
    region = urlsplit(uri).netloc
    sagemaker, metrics = _client("sagemaker", region), _client("sagemaker-metrics", region)
    experiment = settings["experiment"] or settings["model"]
    name = run_name(experiment, folder.run_id)
    with aws_errors(f"the run could not be started in the experiment {experiment}"):
        if not _exists(sagemaker.describe_trial, TrialName=name):
            sagemaker.create_trial(TrialName=name, ExperimentName=experiment)
        if _exists(sagemaker.describe_trial_component, TrialComponentName=name):
            sagemaker.update_trial_component(TrialComponentName=name, Status={"PrimaryStatus": "InProgress"})
        else:
            _create(sagemaker, name, settings, folder.run_id)
        # Repeating it changes nothing.
        sagemaker.associate_trial_component(TrialName=name, TrialComponentName=name)
    if not folder.exists(RECORD):
        folder.write_json(RECORD, {"run_id": name, "tracking_uri": uri})
    return TrialTracker(sagemaker, metrics, name, folder)


def run_name(experiment: str, run: str) -> str:
    """Name of a run's trial and component: it begins with the experiment's, in letters that SageMaker takes."""
    digest = hashlib.sha256(run.encode()).hexdigest()[:10]
    readable = re.sub(r"[^a-z0-9]+", "-", run.lower()).strip("-")[:_LONGEST_RUN].strip("-")
    return f"{experiment}-{readable}-{digest}" if readable else f"{experiment}-{digest}"


def _create(sagemaker: Any, name: str, settings: StepSettings, run: str) -> None:
    about = {
        lineage.PIPELINE_RUN: run,
        lineage.BLUEPRINT: settings["blueprint"],
        lineage.ENVIRONMENT: settings["environment"],
        lineage.MODEL: settings["model"],
    }
    sagemaker.create_trial_component(
        TrialComponentName=name,
        Status={"PrimaryStatus": "InProgress"},
        StartTime=datetime.now(UTC),
        Parameters={key: {"StringValue": value} for key, value in about.items()},
    )


def _exists(describe: Any, **which: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        describe(**which)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return False
        raise
    return True


def _parameter(value: Any) -> dict[str, Any]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"NumberValue": float(value)}
    return {"StringValue": str(value)[:_LONGEST_TEXT]}


def _portions(metrics: Mapping[str, float]) -> Iterator[dict[str, float]]:
    rest = iter(metrics.items())
    while some := dict(islice(rest, _MOST_METRICS)):
        yield some


def _client(service: str, region: str) -> Any:
    try:
        import boto3
    except ImportError as error:
        raise SettingsError(
            f"boto3 cannot be imported ({error}): run `pip install 'mlops-stacks[aws-runtime]'`."
        ) from error
    return boto3.client(service, region_name=region)


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn an error of AWS into one sentence that begins with `what`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise TrackingError(f"{what} (SageMaker Experiments): {error}.") from error
