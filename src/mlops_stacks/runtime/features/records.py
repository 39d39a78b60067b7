"""Rows of feature groups as SageMaker's records have them: one key, times as text, three types.

Event times are kept to the millisecond, as SageMaker reads them. They are rounded up: a row never counts as known
before it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlops_components.spec.feature import (
    RECORD_KEY,
    FeatureGroup,
    FeatureType,
    key_columns,
    record_identifier,
    record_key,
)
from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.features.history import TIME

if TYPE_CHECKING:
    import pandas as pd

MARKER = "is_deleted"
"""Column by which SageMaker says that a record was deleted."""
_STORED: dict[FeatureType, Any] = {
    FeatureType.STRING: "object",
    FeatureType.INTEGER: "Int64",
    FeatureType.FLOAT: "float64",
    FeatureType.BOOLEAN: "Int64",
    FeatureType.TIMESTAMP: "object",
}


def stored_rows(group: str, definition: FeatureGroup, rows: pd.DataFrame) -> pd.DataFrame:
    """`rows`, as `typed_rows` returns them, with the columns of SageMaker's group; times are still times.

    Raises `ContractError` where two rows of an entity are less than a millisecond apart.
    """
    keys, time = key_columns(definition), definition["event_time"]
    found = rows.copy()
    found[time] = found[time].dt.ceil("ms").astype(TIME)
    if len(keys) > 1:
        found.insert(0, RECORD_KEY, [record_key(values) for values in found[keys].itertuples(index=False, name=None)])
    twice = found.duplicated([record_identifier(definition), time])
    if twice.any():
        row = found[twice].iloc[0]
        about = ", ".join(f"{key} {row[key]}" for key in keys)
        raise ContractError(
            f"the feature group `{group}` has two rows for {about} at {row[time]}, to the millisecond that SageMaker"
            " keeps: which one holds?"
        )
    for name, kind in feature_types(definition).items():
        found[name] = _as_stored(found[name], kind)
    return found.reset_index(drop=True)


def feature_types(definition: FeatureGroup) -> dict[str, FeatureType]:
    """Feature of a group -> its type in the blueprint."""
    return {feature["name"]: FeatureType(feature["type"]) for feature in definition["features"]}


def stored_dtypes(definition: FeatureGroup) -> dict[str, Any]:
    """Column of SageMaker's group, but for the event time -> its type in a table."""
    texts = dict.fromkeys([record_identifier(definition), *key_columns(definition)], "object")
    return {**texts, **{name: _STORED[kind] for name, kind in feature_types(definition).items()}}


def _as_stored(values: pd.Series[Any], kind: FeatureType) -> pd.Series[Any]:
    if kind is FeatureType.TIMESTAMP:
        return values.map(lambda at: time_text(at.to_pydatetime()), na_action="ignore").astype("object")
    return values.astype(_STORED[kind])


def as_read(values: pd.Series[Any], kind: FeatureType) -> pd.Series[Any]:
    """Values of a history in the type that the blueprint says."""
    import pandas as pd

    if kind is FeatureType.TIMESTAMP:
        return pd.to_datetime(values, utc=True, format="ISO8601").astype(TIME)
    typed: pd.Series[Any] = values.astype("boolean" if kind is FeatureType.BOOLEAN else _STORED[kind])
    return typed


def time_text(at: datetime) -> str:
    """A time as SageMaker reads event times: ISO 8601 in UTC, to the millisecond."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def record_of(definition: FeatureGroup, row: Mapping[str, Any]) -> dict[str, str]:
    """A stored row as the texts of a record. What is missing is left out: a record has no null."""
    time = definition["event_time"]
    columns = [*stored_dtypes(definition)]
    texts = {name: _text(row[name]) for name in columns if not _is_missing(row[name])}
    return {**texts, time: time_text(row[time])}


def _text(value: Any) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def value_of(text: str | None, kind: FeatureType) -> Any:
    """The value of a record's text."""
    if text is None:
        return None
    if kind is FeatureType.FLOAT:
        return float(text)
    if kind is FeatureType.INTEGER:
        return int(text)
    return bool(int(text)) if kind is FeatureType.BOOLEAN else text
