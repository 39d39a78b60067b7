"""Has the data changed since the last training? A small profile of each column, and the population stability index.

The profile of a training extract is stored with its run: the shares of a number's ten equally filled bins, or of a
text's most frequent values, and the share of missing values. The next run's extract is put into the same bins, and
the index, sum over bins of (q - p) ln(q / p), says how far the shares p have moved to q. Customary readings: below 0.1
stable, above 0.25 a major shift. It needs no raw data of the last run, so it works wherever that ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
MOST_FREQUENT = 50
"""Values of a text column beyond this many are counted together."""

_SMALLEST_SHARE = 1e-4
"""Stands for an empty bin, whose logarithm would be infinite."""


def profile(tables: Mapping[str, pd.DataFrame], columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The profile of the named columns of each table, under `<table>.<column>`."""
    return {
        f"{name}.{column}": _profile_of(tables[name][column])
        for name in sorted(columns)
        for column in columns[name]
        if _kind(tables[name][column]) is not None and len(tables[name])
    }


def stability(reference: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """The population stability index of each column that the reference profile and the tables share."""
    found = {}
    for key, expected in reference.items():
        table, _, column = key.partition(".")
        if table in tables and column in tables[table].columns and _kind(tables[table][column]) == expected["kind"]:
            found[key] = _index(expected["shares"], _shares(tables[table][column], expected))
    return found


def _kind(values: pd.Series[Any]) -> str | None:
    """Points in time are never profiled: they move on by nature."""
    from pandas.api import types

    if types.is_bool_dtype(values) or types.is_string_dtype(values) or isinstance(values.dtype, types.CategoricalDtype):
        return "category"
    return "number" if types.is_numeric_dtype(values) else None


def _profile_of(values: pd.Series[Any]) -> dict[str, Any]:
    if _kind(values) == "number":
        cuts = values.quantile([i / BINS for i in range(1, BINS)]).dropna().unique()
        described: dict[str, Any] = {"kind": "number", "edges": sorted(float(cut) for cut in cuts)}
    else:
        described = {"kind": "category", "values": [str(v) for v in values.value_counts().index[:MOST_FREQUENT]]}
    return {**described, "shares": _shares(values, described)}


def _shares(values: pd.Series[Any], described: Mapping[str, Any]) -> list[float]:
    """Share of each bin of `described`, then of anything else, then of missing values."""
    import numpy as np

    present = values.dropna()
    if described["kind"] == "number":
        edges = described["edges"]
        counts = np.bincount(np.searchsorted(edges, present.to_numpy(dtype=float)), minlength=len(edges) + 1)
    else:
        frequency = present.astype(str).value_counts()
        known = [int(frequency.get(value, 0)) for value in described["values"]]
        counts = np.array([*known, len(present) - sum(known)])
    total = max(len(values), 1)
    return [float(count) / total for count in counts] + [(len(values) - len(present)) / total]


def _index(expected: Sequence[float], found: Sequence[float]) -> float:
    import math

    pairs = ((max(p, _SMALLEST_SHARE), max(q, _SMALLEST_SHARE)) for p, q in zip(expected, found, strict=True))
    return float(sum((q - p) * math.log(q / p) for p, q in pairs))
