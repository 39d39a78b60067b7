"""The history of feature groups: a Parquet file each, which a run rewrites for the time that it speaks of.

A run replaces all rows between the first and the last event time that it computed, and keeps the others. So repeating
it changes nothing, and rows of an earlier version of the code do not stay in between. A file is replaced in one step.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_components.spec.feature import AnyFeatureStoreRef, FeatureGroup, FeatureStoreRef, FeatureType, key_columns
from mlops_stacks.runtime.errors import ContractError, SettingsError

if TYPE_CHECKING:
    import pandas as pd

TIME: Any = "datetime64[us, UTC]"
"""How times are kept: Feast's DuckDB engine fails on nanoseconds."""

_DTYPES: dict[FeatureType, Any] = {
    FeatureType.STRING: "object",
    FeatureType.INTEGER: "Int64",
    FeatureType.FLOAT: "float64",
    FeatureType.BOOLEAN: "boolean",
    FeatureType.TIMESTAMP: TIME,
}


def history_file(store: FeatureStoreRef, group: str) -> Path:
    """Where the history of a group is."""
    return Path(store["history"]) / f"{group}.parquet"


@contextmanager
def writing(store: FeatureStoreRef) -> Iterator[None]:
    """Hold the store's lock: pipelines of several models may write the same group."""
    folder = Path(store["history"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise SettingsError(f"the feature history {folder} cannot be written: {error.strerror}.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_history(store: FeatureStoreRef, group: str, rows: pd.DataFrame) -> int:
    """Add the rows of a group, as `typed_rows` returns them; returns how many rows there are now."""
    import pandas as pd

    definition = store["groups"][group]
    path, time = history_file(store, group), definition["event_time"]
    together = rows
    if path.exists():
        before = pd.read_parquet(path)
        if list(before.columns) == list(rows.columns):
            outside = (before[time] < rows[time].min()) | (before[time] > rows[time].max())
            together = pd.concat([before[outside], rows], ignore_index=True)
    together = together.sort_values([time, *key_columns(definition)], ignore_index=True)
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    together.to_parquet(part, index=False, compression="zstd", coerce_timestamps="us")
    part.replace(path)
    return len(together)


def typed_rows(group: str, definition: FeatureGroup, rows: object) -> pd.DataFrame:
    """The rows of a group with exactly its columns, each in its type. Raises `ContractError`."""
    import pandas as pd

    what = f"the feature group `{group}` of the workload's `features`"
    if not isinstance(rows, pd.DataFrame):
        raise ContractError(f"{what} must be a pandas DataFrame, not {type(rows).__name__}.")
    keys, time = key_columns(definition), definition["event_time"]
    types = {feature["name"]: FeatureType(feature["type"]) for feature in definition["features"]}
    missing = [name for name in (*keys, time, *types) if name not in rows.columns]
    if missing:
        raise ContractError(f"{what} lacks the columns {', '.join(f'`{name}`' for name in missing)}.")
    empty = [name for name in (*keys, time) if rows[name].isna().any()]
    if empty:
        raise ContractError(f"{what} has missing values in `{empty[0]}`, without which a row means nothing.")
    typed = {name: _typed(rows[name], kind, f"{what} has values in `{name}`") for name, kind in types.items()}
    found = pd.DataFrame(
        {**{key: rows[key].astype("str") for key in keys}, time: utc_times(rows[time], f"{what}: `{time}`"), **typed}
    )
    twice = found.duplicated([*keys, time])
    if twice.any():
        row = found[twice].iloc[0]
        about = ", ".join(f"{key} {row[key]}" for key in keys)
        raise ContractError(f"{what} has two rows for {about} at {row[time]}: which one holds?")
    return found


def utc_times(values: pd.Series[Any], what: str) -> pd.Series[Any]:
    """Times in UTC to the microsecond; those without a zone are UTC already. Raises `ContractError`."""
    import pandas as pd

    try:
        return pd.to_datetime(values, utc=True).astype(TIME)
    except (TypeError, ValueError) as error:
        raise ContractError(f"{what} holds no times: {error}.") from error


def _typed(values: pd.Series[Any], kind: FeatureType, what: str) -> pd.Series[Any]:
    try:
        if kind is FeatureType.TIMESTAMP:
            return utc_times(values, what)
        if kind is FeatureType.STRING:
            return values.astype("str").where(values.notna(), None).astype("object")
        typed: pd.Series[Any] = values.astype(_DTYPES[kind])
    except (TypeError, ValueError) as error:
        raise ContractError(f"{what} that are not {kind}: {error}.") from error
    return typed


def read_history(store: FeatureStoreRef, group: str, columns: list[str]) -> pd.DataFrame:
    """Some columns of the history of a group. Raises `ContractError` where there is none."""
    import pandas as pd

    path = history_file(store, group)
    if not path.exists():
        raise ContractError(f"the feature group `{group}` has no history: does the workload's `features` compute it?")
    return pd.read_parquet(path, columns=columns)


def known_groups(store: AnyFeatureStoreRef, offered: Mapping[str, object]) -> list[str]:
    """The offered groups that the blueprint defines, sorted."""
    return sorted(set(offered) & set(store["groups"]))
