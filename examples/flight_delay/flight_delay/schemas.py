"""What the extracted tables must look like: types and ranges, checked before anything is trained."""

from __future__ import annotations

import pandera.pandas as pa

AIRPORTS = ["EWR", "JFK", "LGA"]
NO_DRIFT = {"drift": False}
"""For columns that differ between any two windows of time, and for numbers that are names."""


def _measured(lowest: float, highest: float) -> pa.Column:
    return pa.Column(float, pa.Check.in_range(lowest, highest), nullable=True)


FLIGHTS = pa.DataFrameSchema(
    {
        "year": pa.Column(int, pa.Check.eq(2013), metadata=NO_DRIFT),
        "month": pa.Column(int, pa.Check.in_range(1, 12), metadata=NO_DRIFT),
        "day": pa.Column(int, pa.Check.in_range(1, 31), metadata=NO_DRIFT),
        "carrier": pa.Column(str, pa.Check.str_length(2, 2)),
        "flight": pa.Column(int, pa.Check.ge(1), metadata=NO_DRIFT),
        "origin": pa.Column(str, pa.Check.isin(AIRPORTS)),
        "dest": pa.Column(str, pa.Check.str_length(3, 3)),
        "distance": pa.Column(int, pa.Check.in_range(1, 6000)),
        "sched_dep_time": pa.Column(int, pa.Check.in_range(0, 2400)),
        "sched_arr_time": pa.Column(int, pa.Check.in_range(0, 2400)),
        "time_hour": pa.Column("datetime64[us, UTC]", coerce=True, metadata=NO_DRIFT),
        "arr_delay": pa.Column(float, pa.Check.in_range(-180, 2000), nullable=True),
    }
)

AIRPORTS_TABLE = pa.DataFrameSchema(
    {
        "faa": pa.Column(str, pa.Check.str_length(3, 3), metadata=NO_DRIFT),
        "tzone": pa.Column(str, pa.Check.str_contains("/"), metadata=NO_DRIFT),
    },
    unique=["faa"],
)

WEATHER = pa.DataFrameSchema(
    {
        "origin": pa.Column(str, pa.Check.isin(AIRPORTS)),
        "time_hour": pa.Column("datetime64[us, UTC]", coerce=True, metadata=NO_DRIFT),
        "temp": _measured(-30, 120),
        "humid": _measured(0, 100),
        "wind_dir": _measured(0, 360),
        "wind_speed": _measured(0, 100),
        "precip": _measured(0, 10),
        "pressure": _measured(940, 1060),
        "visib": _measured(0, 10),
    },
    unique=["origin", "time_hour"],
)
