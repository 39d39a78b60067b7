"""Features: one definition for training and for inference."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NotRequired, Optional, Union

from typing_extensions import TypedDict

from mlops_components.spec.closed import closed


class FeatureType(StrEnum):
    """What a feature's value is."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


@closed
class Feature(TypedDict):
    """One column of a feature group."""

    name: str
    """Its name in the group."""
    type: FeatureType
    """Kind of its values."""
    description: NotRequired[Optional[str]]
    """What it means, for people."""


@closed
class FeatureGroup(TypedDict):
    """Features of one entity, which many models share."""

    entity: str
    """What a row is about, e.g. `origin` or `route`."""
    keys: NotRequired[list[str]]
    """The columns that tell one entity from another, e.g. `[origin, dest]`; default: one that bears the entity's name.
    Their values are compared as text."""
    event_time: str
    """The column that says since when the row holds; training never sees a later one. Times without a zone are UTC."""
    features: list[Feature]
    """What a row holds besides keys and time."""
    online: NotRequired[bool]
    """Whether the latest row per entity can be read with low latency; default true."""
    ttl_days: NotRequired[Optional[int]]
    """Rows older than this are not served; default: no limit."""


class FeatureStoreRef(TypedDict):
    """Where Feast keeps features, and what they mean: what steps and servers are told."""

    repository: str
    """Folder of the Feast repository."""
    project: str
    """Feast's project, which begins the names of the online tables."""
    history: str
    """Folder of the history, a Parquet file for each group."""
    online: str
    """SQLite file of the latest row of each entity."""
    groups: dict[str, FeatureGroup]


class SageMakerFeaturesRef(TypedDict):
    """Where SageMaker keeps features, and what they mean: what steps and servers are told."""

    feature_groups: dict[str, str]
    """Feature group of the blueprint -> name of the feature group of SageMaker, which knows where its files are."""
    region: str
    groups: dict[str, FeatureGroup]


AnyFeatureStoreRef = Union[FeatureStoreRef, SageMakerFeaturesRef]
"""What steps and servers are told of the feature store, whatever the platform."""

RECORD_KEY = "record_key"
"""Column that joins the keys of a group, where a store tells records apart by one column only."""


def key_columns(group: FeatureGroup) -> list[str]:
    """The columns that tell the entities of a group apart."""
    return list(group.get("keys") or [group["entity"]])


def record_identifier(group: FeatureGroup) -> str:
    """The one column that tells the records of a group apart."""
    keys = key_columns(group)
    return keys[0] if len(keys) == 1 else RECORD_KEY


def record_key(values: Sequence[str]) -> str:
    """What joins the values of several keys into one, in the order of the group; no two entities share one."""
    if len(values) == 1:
        return values[0]
    return "|".join(value.replace("\\", "\\\\").replace("|", "\\|") for value in values)


def is_online(group: FeatureGroup) -> bool:
    """Whether the latest row of each entity can be looked up."""
    return group.get("online", True)


def input_name(feature: str) -> str:
    """What the model input of a feature `<group>.<feature>` is called: `<group>__<feature>`, as Feast calls it."""
    return feature.replace(".", "__", 1)


def feature_type(groups: Mapping[str, FeatureGroup], feature: str) -> Optional[FeatureType]:
    """The type of a feature `<group>.<feature>`; None if there is no such feature."""
    name, _, column = feature.partition(".")
    if name not in groups:
        return None
    return next((FeatureType(f["type"]) for f in groups[name]["features"] if f["name"] == column), None)
