"""Features: one definition for training and for inference."""

from enum import StrEnum
from typing import NotRequired, Optional

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
    type: FeatureType
    description: NotRequired[Optional[str]]


@closed
class FeatureGroup(TypedDict):
    """Features of one entity, which many models share."""

    entity: str
    """The column that says what a row is about, e.g. `origin`."""
    event_time: str
    """The column that says since when the row holds; training never sees a later one."""
    features: list[Feature]
    online: NotRequired[bool]
    """Whether the latest row per entity can be read with low latency; default true."""
    ttl_days: NotRequired[Optional[int]]
    """Rows older than this are not served; default: no limit."""
