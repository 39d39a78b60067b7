"""Answers requests: table in, prediction out, counted and captured. Knows nothing of HTTP."""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_components.spec.settings import ServerSettings
from mlops_stacks.runtime.quiet_mlflow import hush, mlflow_errors
from mlops_stacks.runtime.serving.batching import Batcher, Columns
from mlops_stacks.runtime.serving.capture import Capture
from mlops_stacks.runtime.serving.completion import Completion
from mlops_stacks.runtime.serving.metrics import Metrics
from mlops_stacks.runtime.serving.model_files import local_uri
from mlops_stacks.runtime.serving.tensors import (
    answer_datatype,
    answer_values,
    columns_of_instances,
    columns_of_tensors,
    frame,
)
from mlops_stacks.runtime.user_code import add_to_path

if TYPE_CHECKING:
    import numpy.typing as npt

    from mlops_stacks.runtime.saved_model import SavedModel


logger = logging.getLogger("mlops_stacks.serving")


@dataclass(frozen=True, slots=True)
class Answer:
    """Predictions of one request."""

    request_id: str
    values: list[Any]
    datatype: str


class PredictionService:
    """One loaded model."""

    def __init__(self, settings: ServerSettings, model: SavedModel) -> None:
        """Wrap a loaded model."""
        self.settings = settings
        self.model = model
        self.metrics = Metrics(settings["model"], settings["version"])
        self._batcher = Batcher(self._values, together=answers_rows_one_by_one(model))
        self._completion = Completion(settings.get("feature_store"), model.features, model.inputs)
        capture = settings["capture"]
        wanted = capture is not None and capture["sample_percent"] > 0
        self._capture = (
            Capture(capture, settings["model"], settings["version"], dropped=self.metrics.dropped.inc)
            if capture is not None and wanted
            else None
        )

    def columns_of_instances(self, instances: Sequence[Any]) -> Columns:
        """The columns of the plain route's rows, features included. Raises `InputError` or `LookupFaultError`."""
        return columns_of_instances(self._completion.instances(instances), self.model.inputs)

    def columns_of_tensors(self, tensors: Sequence[Any]) -> Columns:
        """The columns of the protocol's route, features included. Raises `InputError` or `LookupFaultError`."""
        return columns_of_tensors(self._completion.tensors(tensors), self.model.inputs)

    async def predict(self, columns: Columns, request_id: str | None = None) -> Answer:
        """Predict, count, and capture. The columns are as `tensors` makes them: checked, in the model's order."""
        predictions = await self._batcher.predict(columns)
        answer = Answer(request_id or str(uuid.uuid4()), answer_values(predictions), answer_datatype(predictions))
        self.metrics.predicted(answer.values)
        if self._capture is not None:
            self._capture.keep(answer.request_id, columns, answer.values)
        return answer

    def _values(self, columns: Columns) -> npt.NDArray[Any]:
        return self.model.predict(frame(columns, self.model.inputs))

    def close(self) -> None:
        """Write what capture still holds."""
        self._batcher.close()
        self._completion.close()
        if self._capture is not None:
            self._capture.close()


def answers_rows_one_by_one(model: SavedModel) -> bool:
    """Whether the model answers the rows of its example together as it answers each of them alone.

    A model that ranks or scales what it is given would answer one client's rows differently because of another's:
    such a one is called for each request by itself. So is one whose example is too short to tell.
    """
    example = model.example_rows
    if example is None or len(example) < 2:
        return False
    try:
        together = answer_values(model.predict(example))
        alone = [answer_values(model.predict(example.iloc[[number]]))[0] for number in range(len(example))]
        return len(together) == len(alone) and all(map(_same, together, alone))
    except Exception as error:  # noqa: BLE001  whatever a model raises
        logger.warning("the model fails on its own example (%r); requests are predicted one by one", error)
        return False


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return bool(one == other)


def load_service(settings: ServerSettings) -> PredictionService:
    """Load the model that the settings name. Raises `TrackingError` or `SettingsError`."""
    hush()
    if settings["workload"] is not None:
        add_to_path(settings["workload"])
    import mlflow

    from mlops_stacks.runtime.saved_model import SavedModel

    tracking = settings["tracking_uri"] or settings["registry_uri"]
    with mlflow_errors(f"the model {settings['model_uri']} could not be loaded", tracking):
        if tracking is not None:
            mlflow.set_tracking_uri(tracking)
            mlflow.set_registry_uri(settings["registry_uri"] or tracking)
        model = SavedModel(local_uri(settings["model_uri"]))
    return PredictionService(settings, model)
