"""Features: one definition for training and for inference."""

from enum import Enum
from typing import Optional

from typing_extensions import NotRequired, TypedDict


class FeatureType(str, Enum):
    """What a feature's value is."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


class Feature(TypedDict):
    """One column of a feature group."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]

    name: str
    type: FeatureType
    description: NotRequired[Optional[str]]


class FeatureGroup(TypedDict):
    """Features of one entity, which many models share."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]

    entity: str
    """The column that says what a row is about, e.g. `origin`."""
    event_time: str
    """The column that says since when the row holds; training never sees a later one."""
    features: list[Feature]
    online: NotRequired[bool]
    """Whether the latest row per entity can be read with low latency; default true."""
    ttl_days: NotRequired[Optional[int]]
    """Rows older than this are not served; default: no limit."""
