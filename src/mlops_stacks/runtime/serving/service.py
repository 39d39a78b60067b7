"""Answers requests: table in, prediction out, counted and captured. Knows nothing of HTTP."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_components.spec.settings import ServerSettings
from mlops_stacks.runtime.quiet_mlflow import hush, mlflow_errors
from mlops_stacks.runtime.serving.capture import Capture
from mlops_stacks.runtime.serving.metrics import Metrics
from mlops_stacks.runtime.serving.tensors import answer_datatype, answer_values
from mlops_stacks.runtime.user_code import add_to_path

if TYPE_CHECKING:
    import pandas as pd

    from mlops_stacks.runtime.saved_model import SavedModel


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
        self._one_at_a_time = threading.Lock()
        capture = settings["capture"]
        wanted = capture is not None and capture["sample_percent"] > 0
        self._capture = (
            Capture(capture, settings["model"], settings["version"], dropped=self.metrics.dropped.inc)
            if capture is not None and wanted
            else None
        )

    def predict(self, rows: pd.DataFrame, request_id: str | None = None) -> Answer:
        """Predict, count, and capture.

        One request at a time: models use all cores themselves, and two that compete for them are both slower.
        """
        with self._one_at_a_time:
            predictions = self.model.predict(rows)
        answer = Answer(request_id or str(uuid.uuid4()), answer_values(predictions), answer_datatype(predictions))
        self.metrics.predicted(answer.values)
        if self._capture is not None:
            self._capture.keep(answer.request_id, rows, answer.values)
        return answer

    def close(self) -> None:
        """Write what capture still holds."""
        if self._capture is not None:
            self._capture.close()


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
        model = SavedModel(settings["model_uri"])
    return PredictionService(settings, model)
