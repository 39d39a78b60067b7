"""How a new model version takes over from the one that serves."""

from enum import StrEnum
from typing import NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.spec.closed import closed


class Strategy(StrEnum):
    """The ways to take over."""

    ALL_AT_ONCE = "all_at_once"
    BLUE_GREEN = "blue_green"
    CANARY = "canary"
    SHADOW = "shadow"
    AB = "ab"


@closed
class RollbackConditions(TypedDict):
    """When the version before comes back by itself."""

    error_rate_percent: NotRequired[Optional[float]]
    """Server errors per hundred requests, over the bake time."""
    latency_p99_ms: NotRequired[Optional[float]]
    """99th percentile of the response time, over the bake time."""


@closed
class Rollout(TypedDict):
    """One specification, mapped to each engine's own mechanism; what an engine cannot do is refused at validation."""

    strategy: Strategy
    """How the new version takes over."""
    steps_percent: NotRequired[list[float]]
    """Shares of traffic of a canary or of A/B, ascending; default: the engine's."""
    bake_minutes: NotRequired[Optional[float]]
    """How long each step is watched before the next."""
    rollback: NotRequired[Optional[RollbackConditions]]
    """None: a person decides."""
