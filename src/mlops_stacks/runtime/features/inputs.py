"""Features as inputs of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlops_components.spec.feature import AnyFeatureStoreRef, FeatureType, feature_type, input_name
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.workload import Column, Kind

if TYPE_CHECKING:
    import pandas as pd


def joiner(store: AnyFeatureStoreRef | None, features: Sequence[str]) -> Callable[[pd.DataFrame, str], pd.DataFrame]:
    """What adds features to rows, as known at the time in a column; without features the rows stay as they are."""

    def with_features(rows: pd.DataFrame, time: str) -> pd.DataFrame:
        if store is None or not features:
            return rows
        from mlops_stacks.runtime.features.stores import join

        return join(store, features, rows, time)

    return with_features


def feature_columns(store: AnyFeatureStoreRef | None, features: Sequence[str]) -> tuple[Column, ...]:
    """An input for each feature `<group>.<feature>`. Raises `SettingsError` for one that no group has.

    All are nullable, since an entity may have no row yet. So whole numbers and truth values become floats: those have
    a missing value.
    """
    return tuple(_column(store, feature) for feature in features)


def _column(store: AnyFeatureStoreRef | None, feature: str) -> Column:
    kind = None if store is None else feature_type(store["groups"], feature)
    if store is None or kind is None:
        raise SettingsError(f"the model reads the feature `{feature}`, which no feature group of the settings has.")
    if kind is FeatureType.TIMESTAMP:
        raise SettingsError(f"the model reads the feature `{feature}`, a timestamp, which cannot be a model input.")
    group, _, name = feature.partition(".")
    described = next(f.get("description") for f in store["groups"][group]["features"] if f["name"] == name)
    column_kind: Kind = "string" if kind is FeatureType.STRING else "float"
    return Column(input_name(feature), column_kind, nullable=True, description=described or "")
