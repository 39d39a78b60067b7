"""From a scheduled flight and the weather before it to the model's inputs: the one place where the future could leak.

An hour's weather is measured up to its end, so the hour in which a flight departs may hold what came after it left.
The hour before does not. Nothing else about the flight is used that its timetable did not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flight_delay.data import MEASUREMENTS

if TYPE_CHECKING:
    import pandas as pd

LATE_MINUTES = 15
"""A flight that arrives more than so many minutes after its scheduled time is late."""


def with_features(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """The flights, in their order, with `date`, `weekday` and the weather of the hour before departure.

    Where that hour was not measured the weather is missing; the model knows how to live with that.
    """
    import pandas as pd

    date = pd.to_datetime(flights[["year", "month", "day"]])
    dated = flights.assign(
        date=date, weekday=date.dt.day_of_week.astype("int64"), departure=scheduled_departure(flights)
    )
    # Move each hour's weather one hour on, to the departures that it precedes.
    before = weather.assign(time_hour=weather["time_hour"] + pd.Timedelta(hours=1))
    joined = dated.merge(
        before[["origin", "time_hour", *MEASUREMENTS]], on=["origin", "time_hour"], how="left", validate="many_to_one"
    )
    return joined.drop(columns="arr_delay") if "arr_delay" in joined else joined


def scheduled_departure(flights: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """When each flight is to leave, in UTC."""
    import pandas as pd

    return flights["time_hour"] + pd.to_timedelta(flights["sched_dep_time"] % 100, unit="min")


def late(flights: pd.DataFrame) -> pd.Series[int]:
    """1 where a flight arrived late, 0 where not; call it with flights that arrived."""
    return (flights["arr_delay"] > LATE_MINUTES).astype("int64")
