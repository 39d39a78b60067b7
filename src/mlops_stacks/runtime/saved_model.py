"""A model in MLflow's format as the runtime reads it: inputs from its signature, meaning from its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.workload import Column, Kind, Prediction

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from mlflow.types import Schema

METADATA_KEY = "mlops_stacks"
"""Key of the model's metadata under which the runtime keeps what MLflow's signature has no room for."""

_TO_MLFLOW: dict[Kind, str] = {"float": "double", "integer": "long", "string": "string", "boolean": "boolean"}
_FROM_MLFLOW: dict[str, Kind] = {
    "double": "float",
    "float": "float",
    "long": "integer",
    "integer": "integer",
    "string": "string",
    "boolean": "boolean",
}

_OUTPUT_DATATYPES = {
    "int": "INT64",
    "long": "INT64",
    "integer": "INT64",
    "boolean": "BOOL",
    "bool": "BOOL",
    "string": "BYTES",
    "str": "BYTES",
    "object": "BYTES",
}
"""By MLflow's or numpy's name of a type, without its width."""


def input_schema(inputs: Sequence[Column]) -> Schema:
    """The inputs as MLflow writes them down."""
    from mlflow.types import ColSpec, Schema

    return Schema([ColSpec(_TO_MLFLOW[c.kind], c.name, required=not c.nullable) for c in inputs])


class SavedModel:
    """A loaded model that answers with one value per row."""

    def __init__(self, uri: str) -> None:
        """Load it. Raises `SettingsError` where it has no signature with named inputs."""
        import mlflow.pyfunc

        self._model = mlflow.pyfunc.load_model(uri)
        described = (self._model.metadata.metadata or {}).get(METADATA_KEY, {})
        self.prediction = Prediction(**described.get("prediction", {}))
        self.features: list[str] = described.get("features", [])
        self.descriptions: dict[str, str] = described.get("descriptions", {})
        self.inputs = _columns(self._model.metadata.get_input_schema(), uri)
        self._names = [column.name for column in self.inputs]
        self._example = self._model.input_example

    @property
    def output_datatype(self) -> str:
        """What the Open Inference Protocol calls the type of the model's answer, by its signature; FP64 if unsaid."""
        schema = self._model.metadata.get_output_schema()
        first = schema.inputs[0].type if schema is not None and schema.inputs else None
        name = str(getattr(first, "name", first))
        return _OUTPUT_DATATYPES.get(name.rstrip("0123456789"), "FP64")

    @property
    def example_rows(self) -> pd.DataFrame | None:
        """The table with which the model was saved; None where there is none."""
        rows: pd.DataFrame | None = self._example
        return rows

    @property
    def example(self) -> list[dict[str, Any]]:
        """Rows with which the model was saved; empty where there are none."""
        return [] if self._example is None else list(self._example.to_dict(orient="records"))

    def predict(self, rows: pd.DataFrame) -> npt.NDArray[Any]:
        """One value per row: the model's answer, or the column of it that its metadata names."""
        import numpy as np

        ordered = rows if list(rows.columns) == self._names else rows[self._names]
        answer = np.asarray(self._model.predict(ordered))
        if self.prediction.column is not None:
            return answer[:, self.prediction.column]
        return answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer


def _columns(schema: Any, uri: str) -> tuple[Column, ...]:
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        raise SettingsError(f"the model {uri} was saved without named inputs (an MLflow signature): save it anew.")
    return tuple(_column(spec, uri) for spec in schema.inputs)


def _column(spec: Any, uri: str) -> Column:
    kind = _FROM_MLFLOW.get(getattr(spec.type, "name", ""))
    if kind is None:
        raise SettingsError(
            f"the input `{spec.name}` of the model {uri} has the type {spec.type}, which is not served."
        )
    return Column(spec.name, kind, nullable=not spec.required and kind in ("float", "string"))
