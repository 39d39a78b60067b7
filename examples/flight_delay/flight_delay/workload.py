"""The workload: predict, before departure, whether a flight will arrive more than 15 minutes late.

Flights that never arrived (cancelled or diverted, 2.8 % of the year) have no arrival delay and are left out of training
and evaluation: the model answers for flights that take place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.workload import Column, Prediction, Prepared, StepContext, Trained

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    import pandera.pandas as pa

CATEGORIES = ["carrier", "origin", "dest"]


class FlightDelay:
    """Gradient-boosted trees on the timetable and on the weather of the hour before departure.

    Where the blueprint has a feature store and names features, also on how late the latest arrivals were.
    """

    parameters: Mapping[str, Any] = {
        "train_from": "2013-01-01",
        "train_until": "2013-03-17",
        "evaluate_until": "2013-03-31",
        "iterations": 200,
        "learning_rate": 0.05,
        "max_leaf_nodes": 15,
        "min_samples_leaf": 200,
        "l2_regularization": 10.0,
        "seed": 0,
    }
    inputs = (
        Column("carrier", "string", description="Two-letter code of the airline, e.g. UA"),
        Column("origin", "string", description="EWR, JFK or LGA"),
        Column("dest", "string", description="Three-letter code of the destination, e.g. IAH"),
        Column("distance", "integer", description="Miles between the airports"),
        Column("sched_dep_time", "integer", description="Scheduled departure, local time as HHMM, e.g. 1745"),
        Column("sched_arr_time", "integer", description="Scheduled arrival, local time as HHMM"),
        Column("weekday", "integer", description="Day of the week of departure, Monday is 0"),
        Column("temp", "float", nullable=True, description="Degrees Fahrenheit in the hour before that of departure"),
        Column("humid", "float", nullable=True, description="Relative humidity in per cent in that hour"),
        Column("wind_dir", "float", nullable=True, description="Degrees the wind comes from in that hour"),
        Column("wind_speed", "float", nullable=True, description="Miles per hour in that hour"),
        Column("precip", "float", nullable=True, description="Inches of rain or snow in that hour"),
        Column("pressure", "float", nullable=True, description="Millibars at sea level in that hour"),
        Column("visib", "float", nullable=True, description="Miles of visibility in that hour"),
    )
    label = "late"
    segments = ("origin", "carrier")
    time = "date"

    def schemas(self) -> Mapping[str, pa.DataFrameSchema]:
        """Types and ranges of the tables."""
        from flight_delay.schemas import AIRPORTS_TABLE, FLIGHTS, WEATHER

        return {"flights": FLIGHTS, "weather": WEATHER, "airports": AIRPORTS_TABLE}

    def extract(self, context: StepContext) -> Mapping[str, pd.DataFrame]:
        """Flights of the training and the evaluation window, the weather that precedes them, and time zones."""
        from flight_delay.data import read_airports, read_flights, read_weather

        first, last = context.parameters["train_from"], context.parameters["evaluate_until"]
        return {
            "flights": read_flights(first, last),
            "weather": read_weather(first, last),
            "airports": read_airports(),
        }

    def features(
        self,
        context: StepContext,  # noqa: ARG002 - part of the contract
        tables: Mapping[str, pd.DataFrame],
    ) -> Mapping[str, pd.DataFrame]:
        """How late the latest arrivals were, by origin and by route; for whoever has a feature store."""
        from flight_delay.recent import arrivals, origin_delays, route_delays

        arrived = arrivals(tables["flights"], tables["airports"])
        return {"origin_delays": origin_delays(arrived), "route_delays": route_delays(arrived)}

    def prepare(self, context: StepContext, tables: Mapping[str, pd.DataFrame]) -> Prepared:
        """Inputs and label of every flight that arrived, split at the last training day."""
        import pandas as pd

        from flight_delay.features import late, with_features

        arrived = tables["flights"][tables["flights"]["arr_delay"].notna()].reset_index(drop=True)
        context.logger.info("%d flights never arrived and are left out", len(tables["flights"]) - len(arrived))
        rows = with_features(arrived, tables["weather"]).assign(late=late(arrived))
        rows = context.with_features(rows, "departure")
        rows = rows[["date", "departure", *(column.name for column in context.inputs), "late"]]
        training = rows["date"] <= pd.Timestamp(context.parameters["train_until"])
        return Prepared(train=rows[training], evaluation=rows[~training])

    def requests(
        self,
        context: StepContext,
        tables: Mapping[str, pd.DataFrame],
    ) -> pd.DataFrame:
        """Every scheduled flight: nobody knows before departure which ones will never arrive."""
        from flight_delay.features import with_features

        rows = with_features(tables["flights"].reset_index(drop=True), tables["weather"])
        rows = context.with_features(rows, "departure")
        return rows[["date", *(column.name for column in context.inputs)]]

    def train(self, context: StepContext, rows: pd.DataFrame) -> Trained:
        """Fit on every row: no early stopping, which would hold some back."""
        from sklearn.compose import make_column_transformer
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OrdinalEncoder

        given = context.parameters
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
        model = make_pipeline(
            make_column_transformer((encoder, CATEGORIES), remainder="passthrough"),
            HistGradientBoostingClassifier(
                categorical_features=list(range(len(CATEGORIES))),
                max_iter=given["iterations"],
                learning_rate=given["learning_rate"],
                max_leaf_nodes=given["max_leaf_nodes"],
                min_samples_leaf=given["min_samples_leaf"],
                l2_regularization=given["l2_regularization"],
                early_stopping=False,
                random_state=given["seed"],
            ),
        )
        model.fit(rows[[column.name for column in context.inputs]], rows[self.label])
        return Trained(
            model,
            flavour="sklearn",
            prediction=Prediction("probability_late", column=1),
            # skops, MLflow's default, costs the server 16 MB and 0.7 s more than cloudpickle. It pays where models
            # come from strangers; these come from this pipeline.
            options={"pyfunc_predict_fn": "predict_proba", "serialization_format": "cloudpickle"},
            metrics={"training_rows": len(rows), "training_late_share": float(rows[self.label].mean())},
        )

    def evaluate(
        self,
        context: StepContext,  # noqa: ARG002 - part of the contract
        rows: pd.DataFrame,
        predictions: npt.NDArray[Any],
    ) -> Mapping[str, float]:
        """Ranking (AUC), sharpness against always saying these rows' own base rate (log-loss), calibration."""
        import numpy as np
        from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

        truth = rows[self.label]
        base_rate = float(truth.mean())
        measured = {
            "base_rate": base_rate,
            "calibration_gap": float(predictions.mean()) - base_rate,
            "brier": float(brier_score_loss(truth, predictions)),
        }
        if 0 < base_rate < 1:
            loss = float(log_loss(truth, predictions))
            base_loss = float(log_loss(truth, np.full(len(truth), base_rate)))
            measured |= {
                "auc": float(roc_auc_score(truth, predictions)),
                "log_loss": loss,
                "log_loss_gain": 1 - loss / base_loss,
            }
        return measured


workload = FlightDelay()
