"""The workload contract: what the user's ML code offers, and what it is given.

A workload is one object, named in the blueprint as `package.module:attribute`. It fulfils `Workload`: four entry
points (extract, prepare, train, evaluate), the schemas of the extracted tables, and a few facts that the server and
the checks need. It is framework-agnostic: `train` may return any model that MLflow has a flavour for
(`mlflow.sklearn`, `mlflow.pytorch`, `mlflow.xgboost`, …), or a `mlflow.pyfunc.PythonModel` for anything else.

Each entry point runs in a process of its own; between them the runtime stores tables as Parquet. Import heavy
libraries inside the entry points that need them: a step then starts in the time of what it uses, no more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import pandera.pandas as pa

Kind = Literal["float", "integer", "string", "boolean"]
"""What a model input holds: 64-bit float, 64-bit integer, text, or true and false."""


@dataclass(frozen=True, slots=True)
class Column:
    """One input of the model, as the server asks for it and as the prepared tables hold it.

    A `nullable` column may be missing from a request, or null: the model then gets a missing value. Integers and
    booleans have no missing value, so only floats and strings may be nullable.
    """

    name: str
    kind: Kind
    nullable: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse what no table can hold."""
        if self.nullable and self.kind in ("integer", "boolean"):
            raise ValueError(f"input `{self.name}` cannot be nullable: a missing {self.kind} is a float or a string")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` returns: tables with the inputs, the label, the segments and the time column.

    No row of `evaluation` may be known at training time: `evaluation` is later than `train`.
    """

    train: pd.DataFrame
    evaluation: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the served model's answer means.

    `column` picks one column of a model that answers with several, e.g. 1 for the probability of the positive class
    of `predict_proba`; None: the answer is one column already.
    """

    name: str = "prediction"
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What `train` returns.

    `flavour` is the MLflow module that saves the model (`sklearn`, `pytorch`, `pyfunc`, …), `options` is handed to
    its `save_model` (e.g. `{"pyfunc_predict_fn": "predict_proba"}`), `requirements` are further pip requirements of
    the model beside the flavour's own. `parameters` and `metrics` are recorded with the run.
    """

    model: Any
    flavour: str = "sklearn"
    prediction: Prediction = Prediction()
    options: Mapping[str, Any] = field(default_factory=dict)
    requirements: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def _without_features(rows: pd.DataFrame, _time: str) -> pd.DataFrame:
    return rows


@dataclass(frozen=True, slots=True)
class StepContext:
    """What every entry point is given beside its data.

    `parameters` are the workload's own defaults, overlaid by the blueprint's and then by the run's. `run` is the URI
    of the run's folder, `scratch` a local folder that is gone when the step ends. What `logger` is told lands in the
    step's log. `inputs` are the model's inputs: the workload's own, then the features that the blueprint names for
    the model, each called `<group>__<feature>`. `with_features(rows, time)` returns the rows with a column for each
    of those features, as known at the time in the column `time` (without a zone it is UTC); where the model reads
    none, the rows as they are.
    """

    step: str
    run_id: str
    run: str
    parameters: Mapping[str, Any]
    scratch: Path
    logger: logging.Logger
    inputs: Sequence[Column] = ()
    with_features: Callable[[pd.DataFrame, str], pd.DataFrame] = _without_features


@runtime_checkable
class Workload(Protocol):
    """The user's ML code. An object, or a class that needs no arguments."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Every parameter with its default; the default's type is the parameter's. No others are accepted."""

    @property
    def inputs(self) -> Sequence[Column]:
        """The model's inputs, in the order in which it takes them; features are added by the blueprint."""

    @property
    def label(self) -> str:
        """The column that the model predicts."""

    @property
    def segments(self) -> Sequence[str]:
        """Columns by whose values the evaluation is broken down; empty: overall only."""

    @property
    def time(self) -> str | None:
        """Column that says when a row happened, by which train must precede evaluation; None: not checked."""

    def schemas(self) -> Mapping[str, pa.DataFrameSchema]:
        """A pandera schema per extracted table; a column's metadata `{"drift": False}` spares it the drift check."""

    def extract(self, context: StepContext) -> Mapping[str, pd.DataFrame]:
        """Fetch the raw tables of this run; their content is the data set version."""

    def prepare(self, context: StepContext, tables: Mapping[str, pd.DataFrame]) -> Prepared:
        """Turn raw tables into model inputs and labels, and split them by time."""

    def train(self, context: StepContext, rows: pd.DataFrame) -> Trained:
        """Fit a model on the prepared training rows: all of them."""

    def evaluate(self, context: StepContext, rows: pd.DataFrame, predictions: npt.NDArray[Any]) -> Mapping[str, float]:
        """Measure the predictions of the saved model on these rows.

        Called for all evaluation rows and again for each segment; leave out a metric that these rows cannot give.
        """


@runtime_checkable
class OffersFeatures(Protocol):
    """What a workload also has, if features of the blueprint's groups come from it."""

    def features(self, context: StepContext, tables: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
        """Feature group -> rows with its keys, its event time and its features, from the extracted tables.

        The event time says since when a row is known: a model never sees a row that is later than its question. Rows
        replace those of earlier runs between the first and the last event time. Groups that the blueprint does not
        define are left out.
        """


@runtime_checkable
class KnowsRequests(Protocol):
    """What a workload may offer beside `Workload`, if its prepared rows are not all that it would be asked about.

    Rows without a label are left out of training, but requests for them arrive. Where many are left out at times (in
    a storm, say) the prepared rows are no measure of what requests look like, and drift thresholds come out too wide.
    """

    def requests(self, context: StepContext, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """All rows of the extracted tables as they would be asked about: the inputs and the time column, no label."""


def input_names(inputs: Sequence[Column]) -> list[str]:
    """The names of a model's inputs, in order."""
    return [column.name for column in inputs]
