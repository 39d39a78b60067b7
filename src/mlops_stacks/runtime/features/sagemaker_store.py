"""What SageMaker's feature store does for the runtime: ingestion, and the point-in-time join over its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_components.spec.feature import (
    FeatureGroup,
    SageMakerFeaturesRef,
    input_name,
    is_online,
    key_columns,
    record_identifier,
    record_key,
)
from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.features.aws_clients import FeatureStoreFaultError, aws_errors, client
from mlops_stacks.runtime.features.history import utc_times
from mlops_stacks.runtime.features.offline_files import changes, current, read_files, write_files
from mlops_stacks.runtime.features.records import MARKER, as_read, feature_types, record_of, stored_rows
from mlops_stacks.runtime.features.sagemaker_online import RUNTIME, Record, bring_up_to_date

if TYPE_CHECKING:
    import pandas as pd

_ENTITY, _ASKED, _AT = "mlops_stacks_entity", "mlops_stacks_asked", "mlops_stacks_at"


def ingest(store: SageMakerFeaturesRef, computed: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Add what changed to each history, then bring the online store up to date.

    The online store is compared with the history, not with the last run: a run that was killed in between is made
    good by the next.
    """
    kept: dict[str, int] = {}
    online: dict[str, dict[str, int]] = {}
    runtime = client(RUNTIME, store["region"], connections=32)
    for group, rows in computed.items():
        definition = store["groups"][group]
        uri = history_uri(store, group)
        written = read_files(uri, definition)
        before = current(written, definition)
        wanted = stored_rows(group, definition, rows)
        write_files(uri, definition, changes(before, wanted, definition))
        after = _after(before, wanted, definition)
        kept[group] = int((~after[MARKER]).sum())
        if is_online(definition):
            entities = [
                *written[record_identifier(definition)].unique(),
                *wanted[record_identifier(definition)].unique(),
            ]
            latest = {**dict.fromkeys(entities), **_latest(after, definition)}
            online[group] = bring_up_to_date(runtime, store["feature_groups"][group], definition, latest)
    return {"history": kept, "online": sorted(online), "online_changes": online}


def _after(before: pd.DataFrame, rows: pd.DataFrame, definition: FeatureGroup) -> pd.DataFrame:
    """The rows that hold once `rows` are written; deletions of SageMaker's own stay."""
    import pandas as pd

    time = definition["event_time"]
    inside = before[time].between(rows[time].min(), rows[time].max()) & ~before[MARKER]
    return pd.concat([before[~inside], rows.assign(**{MARKER: False})], ignore_index=True)


def _latest(rows: pd.DataFrame, definition: FeatureGroup) -> dict[str, Record | None]:
    """The record of each entity that holds last; None where it was deleted."""
    identifier, time = record_identifier(definition), definition["event_time"]
    last = rows.sort_values(time, kind="stable").drop_duplicates(identifier, keep="last")
    records: list[dict[str, Any]] = last.to_dict(orient="records")  # type: ignore[assignment]
    return {str(row[identifier]): None if row[MARKER] else record_of(definition, row) for row in records}


def history_uri(store: SageMakerFeaturesRef, group: str) -> str:
    """Where SageMaker keeps the files of a group. Raises `FeatureStoreFaultError` where it cannot be asked."""
    name = store["feature_groups"].get(group)
    if name is None:
        raise FeatureStoreFaultError(f"the settings name no feature group of SageMaker for `{group}`.")
    with aws_errors(f"the feature group `{name}` cannot be found"):
        described = client("sagemaker", store["region"]).describe_feature_group(FeatureGroupName=name)
    return str(described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"])


def join(store: SageMakerFeaturesRef, features: Sequence[str], rows: pd.DataFrame, time: str) -> pd.DataFrame:
    """`rows`, in their order, with a column for each feature as it was known at the time in column `time`.

    A row of the history with exactly that time counts as known. Raises `ContractError` for missing columns.
    """
    joined = rows
    for group in dict.fromkeys(feature.partition(".")[0] for feature in features):
        names = [feature.partition(".")[2] for feature in features if feature.partition(".")[0] == group]
        answers = _answers(store, group, names, rows, time)
        joined = joined.assign(**{input_name(f"{group}.{name}"): answers[name].to_numpy() for name in names})
    return joined


def _answers(store: SageMakerFeaturesRef, group: str, names: list[str], rows: pd.DataFrame, time: str) -> pd.DataFrame:
    """The features of one group, in the order of `rows`."""
    import pandas as pd

    definition = store["groups"][group]
    keys = key_columns(definition)
    missing = [name for name in (*keys, time) if name not in rows.columns]
    if missing:
        raise ContractError(
            f"the rows lack the column `{missing[0]}`, by which the features of group `{group}` are joined."
        )
    texts = rows[keys].astype("str").itertuples(index=False, name=None)
    asked = pd.DataFrame(
        {
            _ENTITY: [record_key(values) for values in texts],
            _ASKED: utc_times(rows[time], f"the column `{time}`").to_numpy(),
            "place": range(len(rows)),
        }
    )
    history = _history(store, group, definition, names)
    days = definition.get("ttl_days")
    found = pd.merge_asof(
        asked.sort_values(_ASKED, kind="stable"),
        history.sort_values(_AT, kind="stable"),
        left_on=_ASKED,
        right_on=_AT,
        by=_ENTITY,
        tolerance=pd.Timedelta(days=days) if days else None,
    )
    return found.sort_values("place", ignore_index=True)[names]


def _history(store: SageMakerFeaturesRef, group: str, definition: FeatureGroup, names: list[str]) -> pd.DataFrame:
    """The rows of a group that hold, each with its entity and the moment from which it does."""
    import pandas as pd

    held = current(read_files(history_uri(store, group), definition), definition)
    if held.empty:
        raise ContractError(f"the feature group `{group}` has no history: does the workload's `features` compute it?")
    kinds = feature_types(definition)
    # What a deleted record held is unknown from then on.
    values = {name: as_read(held[name].mask(held[MARKER]), kinds[name]) for name in names}
    at = held[definition["event_time"]].to_numpy()
    return pd.DataFrame({_ENTITY: held[record_identifier(definition)].astype("object"), _AT: at, **values})
