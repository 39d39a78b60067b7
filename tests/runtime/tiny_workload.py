"""A workload without any ML framework: the smallest one that honours the contract, and misbehaves when told to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from mlflow.pyfunc import PythonModel

from mlops_stacks.runtime.workload import Column, Prediction, Prepared, Trained


class Threshold(PythonModel):
    """Answers with a probability: the input, shifted and cut to 0 to 1."""

    def __init__(self, shift):
        self.shift = shift

    def predict(self, context, model_input, params=None):
        return (model_input["size"].fillna(0.5) - self.shift).clip(0, 1).to_numpy()


class Tiny:
    parameters: Mapping[str, object] = {"rows": 400, "shift": 0.0, "shuffle": False, "misbehave": "", "marker": ""}
    inputs = (
        Column("size", "float", nullable=True),
        Column("count", "integer"),
        Column("colour", "string"),
        Column("new", "boolean"),
    )
    label = "big"
    segments = ("colour",)
    time = "when"

    def schemas(self):
        import pandera.pandas as pa

        return {
            "things": pa.DataFrameSchema(
                {
                    "size": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
                    "colour": pa.Column(str, pa.Check.isin(["red", "blue"])),
                    "when": pa.Column("datetime64[ns]", coerce=True),
                }
            )
        }

    def extract(self, context):
        rows = int(context.parameters["rows"])
        number = pd.Series(range(rows))
        size = (number * 37 % 100) / 100
        things = pd.DataFrame(
            {
                "size": size + (0.4 if context.parameters["misbehave"] == "drift" else 0),
                "count": number % 7,
                "colour": number.map(lambda i: "red" if i % 3 else "blue"),
                "new": number % 2 == 0,
                "big": ((size + (number % 7 - 3) / 8) > 0.5).astype(int),
                "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(number, unit="h"),
            }
        )
        things["size"] = things["size"].clip(0, 1)
        self._misbehave(context)
        return {"things": things}

    def prepare(self, context, tables):
        self._misbehave(context)
        things = tables["things"]
        if context.parameters["misbehave"] == "leak":
            things = things.assign(size=things["big"].astype(float))
        middle = len(things) // 2
        train, evaluation = things.iloc[:middle], things.iloc[middle:]
        if context.parameters["shuffle"]:
            train, evaluation = evaluation, train
        return Prepared(train, evaluation)

    def train(self, context, rows):
        self._misbehave(context)
        if context.parameters["misbehave"] == "return None":
            return None
        model = Threshold(context.parameters["shift"])
        return Trained(model, "pyfunc", Prediction("probability_big"), parameters={"kind": "threshold"})

    def evaluate(self, context, rows, predictions):
        self._misbehave(context)
        right = (predictions > 0.5) == (rows["big"] == 1).to_numpy()
        return {"accuracy": float(right.mean())}

    def _misbehave(self, context):
        how = context.parameters["misbehave"]
        if how == f"raise in {context.step}":
            raise KeyError("no such colour")
        if how == f"sleep in {context.step}":
            Path(context.parameters["marker"]).write_text("here")
            time.sleep(600)
        if how == f"fail once in {context.step}" and not Path(context.parameters["marker"]).exists():
            Path(context.parameters["marker"]).write_text("here")
            raise OSError("the network is down")


workload = Tiny()
incomplete = object()
