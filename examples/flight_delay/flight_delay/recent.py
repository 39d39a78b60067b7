"""How late the latest arrivals were, by origin and by route: features of entities that many models can share.

A row holds from its event time on and counts arrivals strictly before it. So whoever asks at a scheduled departure gets
nothing that happened at that minute or later, whatever the delay of the flights that were still under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flight_delay.features import LATE_MINUTES, scheduled_departure

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

PRIOR_FLIGHTS = 4
"""A route flies a few times a week, so its share is pulled towards that of its origin by so many flights."""


def arrivals(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """Every flight that arrived, in the order of arrival: origin, dest, `arrived` (UTC) and `late` (0 or 1).

    The scheduled arrival is on the destination's own clock; one that is not later than the departure is of the next
    day.
    """
    import pandas as pd

    date = pd.to_datetime(flights[["year", "month", "day"]])
    clock = flights["sched_arr_time"]
    on_the_clock = date + pd.to_timedelta(clock // 100 * 60 + clock % 100, unit="min")
    zones = flights["dest"].map(airports.set_index("faa")["tzone"])
    parts = [
        times.dt.tz_localize(str(zone), ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
        for zone, times in on_the_clock.groupby(zones)
    ]
    scheduled = pd.concat(parts).reindex(flights.index)
    next_day = scheduled <= scheduled_departure(flights)
    arrived = scheduled + pd.to_timedelta(next_day.astype(int), unit="D")
    arrived += pd.to_timedelta(flights["arr_delay"], unit="min")
    known = flights[["origin", "dest"]].assign(arrived=arrived, late=(flights["arr_delay"] > LATE_MINUTES) * 1.0)
    return known[flights["arr_delay"].notna()].sort_values("arrived", ignore_index=True)


def origin_delays(arrived: pd.DataFrame) -> pd.DataFrame:
    """Each hour, for each origin: share of late flights among those that arrived in the last 3 and 24 hours."""
    import pandas as pd

    hours = _grid(arrived, "1h")
    rows = []
    for origin, flights in arrived.groupby("origin"):
        shares = {f"late_share_{length}": _ratio(*_counted(flights, hours, length)) for length in ("3h", "24h")}
        rows.append(pd.DataFrame({"origin": origin, "known_at": hours, **shares}))
    return pd.concat(rows, ignore_index=True)


def route_delays(arrived: pd.DataFrame) -> pd.DataFrame:
    """Each day, for each route: share of late flights among those that arrived in the last 7 days, and how many."""
    import pandas as pd

    days = _grid(arrived, "1D")
    rows = []
    for origin, of_origin in arrived.groupby("origin"):
        usual = _ratio(*_counted(of_origin, days, "7D"))
        for dest, flights in of_origin.groupby("dest"):
            late, count = _counted(flights, days, "7D")
            share = _ratio(late + PRIOR_FLIGHTS * usual, count + PRIOR_FLIGHTS)
            rows.append(
                pd.DataFrame(
                    {"origin": origin, "dest": dest, "known_at": days, "late_share_7d": share, "flights_7d": count}
                )
            )
    return pd.concat(rows, ignore_index=True)


def _grid(arrived: pd.DataFrame, step: str) -> pd.DatetimeIndex:
    """Moments from the first arrival to just after the last."""
    import pandas as pd

    return pd.date_range(arrived["arrived"].min().floor(step), arrived["arrived"].max().ceil(step), freq=step)


def _counted(
    flights: pd.DataFrame, moments: pd.DatetimeIndex, length: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Late flights, and all, that arrived in the time of `length` before each moment, the moment itself left out."""
    import numpy as np
    import pandas as pd

    times = pd.DatetimeIndex(flights["arrived"])
    so_far = np.concatenate([[0.0], flights["late"].cumsum().to_numpy()])
    begin = times.searchsorted(moments - pd.Timedelta(length), side="left")
    end = times.searchsorted(moments, side="left")
    return so_far[end] - so_far[begin], end - begin


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Missing where there is nothing to divide by."""
    import numpy as np

    shares: npt.NDArray[Any] = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares
