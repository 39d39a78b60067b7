"""What CI runs on every push to the example: seconds, on a few real days."""

from __future__ import annotations

import pandas as pd
from flight_delay.data import read_flights, read_weather
from flight_delay.features import late, with_features
from flight_delay.workload import workload


def test_a_few_days_become_the_inputs_that_the_model_names() -> None:
    flights = read_flights("2013-01-02", "2013-01-03").reset_index(drop=True)
    rows = with_features(flights, read_weather("2013-01-02", "2013-01-03"))
    assert len(rows) == len(flights)
    assert set(rows.columns) >= {column.name for column in workload.inputs}
    assert rows["weekday"].isin([2, 3]).all()


def test_a_flight_is_late_after_a_quarter_of_an_hour() -> None:
    assert late(pd.DataFrame({"arr_delay": [15.0, 16.0, -5.0]})).tolist() == [0, 1, 0]
