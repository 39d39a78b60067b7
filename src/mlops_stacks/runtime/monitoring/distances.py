"""How far rows are from the reference, column by column, and how far they may be.

The distances are Evidently's: the first Wasserstein distance in standard deviations of the reference for numbers, the
Jensen-Shannon distance for everything else. They are computed here because calibration needs hundreds of them and
loading Evidently costs seconds; a test holds them equal to those of its reports. A distance depends little on the
number of rows, unlike a p-value, which Evidently takes by default where the reference is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.workload import Column

if TYPE_CHECKING:
    import pandas as pd

MARGIN = 1.25
"""A threshold is so many times the worst distance of a window from all others."""
FEWEST_WINDOWS = 3
"""Fewer windows than this say nothing about how far apart windows are."""
FALLBACK = 0.1
"""Evidently's own threshold, where nothing can be calibrated."""

_SMALLEST_DEVIATION = 0.001
"""Stands for the standard deviation of a constant, as in Evidently."""


def is_number(column: Column) -> bool:
    """Whether a column is compared as a number."""
    return column.kind in ("float", "integer")


def distance(reference: pd.Series[Any], found: pd.Series[Any], *, number: bool) -> float | None:
    """The distance of two columns; None where one has no value at all."""
    reference, found = reference.dropna(), found.dropna()
    if not len(reference) or not len(found):
        return None
    return _wasserstein(reference, found) if number else _jensen_shannon(reference, found)


def _wasserstein(reference: pd.Series[Any], found: pd.Series[Any]) -> float:
    import numpy as np
    from scipy.stats import wasserstein_distance

    before, after = reference.to_numpy(dtype=float), found.to_numpy(dtype=float)
    # Distinct values with their counts: the same distance, several times faster where values repeat.
    (values, counts), (others, other_counts) = (np.unique(v, return_counts=True) for v in (before, after))
    deviation = max(float(before.std()), _SMALLEST_DEVIATION)
    return float(wasserstein_distance(values, others, counts, other_counts)) / deviation


def _jensen_shannon(reference: pd.Series[Any], found: pd.Series[Any]) -> float:
    from scipy.spatial.distance import jensenshannon

    before = reference.astype(str).value_counts(normalize=True)
    after = found.astype(str).value_counts(normalize=True)
    values = before.index.union(after.index)
    return float(jensenshannon(before.reindex(values, fill_value=0), after.reindex(values, fill_value=0)))


def distances(reference: pd.DataFrame, found: pd.DataFrame, columns: Sequence[Column]) -> dict[str, float]:
    """The distance of each column that both tables have values of."""
    measured = {c.name: distance(reference[c.name], found[c.name], number=is_number(c)) for c in columns}
    return {name: value for name, value in measured.items() if value is not None}


def windows(times: pd.Series[Any], days: int) -> Iterator[tuple[pd.Timestamp, pd.Series[Any]]]:
    """First day and row mask of every whole window of `days` days; windows of seven begin on Mondays.

    The windows of a calibration cut time where weekly reports do. What is left at both ends is in no window.
    """
    import pandas as pd

    day = pd.to_datetime(times, utc=True).dt.tz_localize(None).dt.normalize()
    monday = pd.Timestamp("1970-01-05")
    number = (day - monday).dt.days // days
    for at in sorted(number.unique()):
        first = monday + pd.Timedelta(days=int(at) * days)
        if first >= day.min() and first + pd.Timedelta(days=days - 1) <= day.max():
            yield first, number == at


def calibrated(reference: pd.DataFrame, columns: Sequence[Column], times: pd.Series[Any], days: int) -> dict[str, Any]:
    """Thresholds from windows of the reference that are held out one after the other.

    Each window is measured against all other rows. Returns `thresholds` (column -> distance), `windows` (how many
    were held out) and `worst` (column -> first day of the window that was farthest).
    """
    held_out = {
        str(first.date()): distances(reference[~mask], reference[mask], columns) for first, mask in windows(times, days)
    }
    if len(held_out) < FEWEST_WINDOWS:
        return {"thresholds": {c.name: FALLBACK for c in columns}, "windows": len(held_out), "worst": {}}
    thresholds, worst = {}, {}
    for column in columns:
        seen = {first: found[column.name] for first, found in held_out.items() if column.name in found}
        if seen:
            worst[column.name] = max(seen, key=lambda first: seen[first])
            thresholds[column.name] = MARGIN * seen[worst[column.name]]
    return {"thresholds": thresholds, "windows": len(held_out), "worst": worst}


def drifted(measured: Mapping[str, float], thresholds: Mapping[str, float]) -> list[str]:
    """The columns beyond their threshold, farthest (in thresholds) first."""
    over = [name for name, value in measured.items() if name in thresholds and value > thresholds[name]]
    return sorted(over, key=lambda name: -measured[name] / max(thresholds[name], 1e-12))
