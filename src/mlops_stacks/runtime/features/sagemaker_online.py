"""The latest rows in SageMaker's online store: looked up by servers, brought up to date by the `ingest` step.

SageMaker takes a record only if it is later than the one that it has. So a value that was corrected, or a row that was
taken back, is deleted first; until the next call, a moment later, the entity has no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from mlops_components.spec.feature import (
    FeatureGroup,
    SageMakerFeaturesRef,
    key_columns,
    record_identifier,
    record_key,
)
from mlops_stacks.runtime.features.aws_clients import aws_errors, client
from mlops_stacks.runtime.features.online import LookupFaultError
from mlops_stacks.runtime.features.records import feature_types, time_text, value_of

RUNTIME = "sagemaker-featurestore-runtime"
_ONLINE = ["OnlineStore"]
_ASKED_AT_ONCE = 100
"""The most identifiers that one `BatchGetRecord` takes."""
_CALLS_AT_ONCE = 16
_LOOKUP_SECONDS = 2.0
"""A server waits no longer than this for a row, and asks twice at most: then it answers with a fault."""
Record = dict[str, str]


class SageMakerOnline:
    """Reads the latest rows. boto3's clients are safe to use from several threads."""

    def __init__(self, store: SageMakerFeaturesRef) -> None:
        """The client is made when something is first asked."""
        self._store = store
        self._client: Any = None

    def row(self, group: str, keys: Mapping[str, str], names: Sequence[str]) -> dict[str, Any]:
        """The features of one entity; None where it has no row, or one that is older than the group's limit.

        Raises `LookupFaultError` where nobody can tell.
        """
        definition = self._store["groups"][group]
        event_time, kinds = definition["event_time"], feature_types(definition)
        with aws_errors(f"the features of group `{group}` cannot be looked up", LookupFaultError):
            found = self._connected().get_record(
                FeatureGroupName=self._store["feature_groups"][group],
                RecordIdentifierValueAsString=record_key([keys[key] for key in key_columns(definition)]),
                FeatureNames=[event_time, *names],
            )
        record = {value["FeatureName"]: value["ValueAsString"] for value in found.get("Record", [])}
        if event_time in record and _is_expired(definition, record[event_time]):
            record = {}
        return {name: value_of(record.get(name), kinds[name]) for name in names}

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> Any:
        if self._client is None:
            region = self._store["region"]
            self._client = client(RUNTIME, region, connections=64, timeout=_LOOKUP_SECONDS, attempts=2)
        return self._client


def _is_expired(definition: FeatureGroup, at: str) -> bool:
    """SageMaker deletes expired rows in its own time."""
    days = definition.get("ttl_days")
    return bool(days) and datetime.fromisoformat(at) + timedelta(days=days or 0) < datetime.now(UTC)


def bring_up_to_date(
    runtime: Any, name: str, definition: FeatureGroup, wanted: Mapping[str, Record | None]
) -> dict[str, int]:
    """Have the online store say of each entity what `wanted` says: its latest record, or that it has none.

    Returns how many records were put, and how many entities were deleted for good.
    """
    event_time = definition["event_time"]
    kept = {
        entity: None if record is None or _is_expired(definition, record[event_time]) else record
        for entity, record in wanted.items()
    }
    there = _records(runtime, name, definition, list(kept))
    differing = [entity for entity, record in kept.items() if not _agree(definition, record, there.get(entity))]

    def settle(entity: str) -> None:
        record, old = kept[entity], there.get(entity)
        if old is not None and (record is None or record[event_time] <= old[event_time]):
            _delete(runtime, name, entity, old[event_time])
        if record is not None:
            _put(runtime, name, record)

    with (
        aws_errors(f"the online rows of `{name}` cannot be brought up to date"),
        ThreadPoolExecutor(_CALLS_AT_ONCE) as pool,
    ):
        list(pool.map(settle, differing))
    gone = sum(kept[entity] is None for entity in differing)
    return {"put": len(differing) - gone, "deleted": gone}


def _records(runtime: Any, name: str, definition: FeatureGroup, entities: list[str]) -> dict[str, Record]:
    """The records that are online, by entity."""
    identifier = record_identifier(definition)
    found: dict[str, Record] = {}
    with aws_errors(f"the online rows of `{name}` cannot be read"):
        for some in _portions(entities):
            asked = some
            while asked:
                answer = runtime.batch_get_record(
                    Identifiers=[{"FeatureGroupName": name, "RecordIdentifiersValueAsString": asked}]
                )
                records = (
                    {value["FeatureName"]: value["ValueAsString"] for value in one["Record"]}
                    for one in answer["Records"]
                )
                found.update((record[identifier], record) for record in records)
                asked = [e for rest in answer["UnprocessedIdentifiers"] for e in rest["RecordIdentifiersValueAsString"]]
    return found


def _portions(entities: list[str]) -> Iterator[list[str]]:
    return (entities[at : at + _ASKED_AT_ONCE] for at in range(0, len(entities), _ASKED_AT_ONCE))


def _agree(definition: FeatureGroup, one: Record | None, other: Record | None) -> bool:
    if one is None or other is None:
        return one is other
    kinds, event_time = feature_types(definition), definition["event_time"]
    same = datetime.fromisoformat(one[event_time]) == datetime.fromisoformat(other[event_time])
    return same and all(
        value_of(one.get(name), kind) == value_of(other.get(name), kind) for name, kind in kinds.items()
    )


def _put(runtime: Any, name: str, record: Record) -> None:
    values = [{"FeatureName": feature, "ValueAsString": text} for feature, text in record.items()]
    runtime.put_record(FeatureGroupName=name, Record=values, TargetStores=_ONLINE)


def _delete(runtime: Any, name: str, entity: str, event_time: str) -> None:
    later = datetime.fromisoformat(event_time) + timedelta(milliseconds=1)
    runtime.delete_record(
        FeatureGroupName=name,
        RecordIdentifierValueAsString=entity,
        # A deletion counts only if it is later than the record.
        EventTime=time_text(later),
        TargetStores=_ONLINE,
        DeletionMode="HardDelete",
    )
