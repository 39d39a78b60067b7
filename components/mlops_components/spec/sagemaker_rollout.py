"""A rollout as SageMaker carries it out: how traffic shifts when an endpoint gets another configuration.

Pure: plain values in, the request's members out. What SageMaker cannot do is refused when a blueprint is validated
(`mlops_stacks.blueprint.aws_rules.rollout`), and here for whoever uses the component alone.
"""

from collections.abc import Sequence
from typing import Any, Optional

from mlops_components.spec.rollout import RollbackConditions, Rollout, Strategy


class RolloutError(ValueError):
    """SageMaker cannot carry the rollout out; the message is one sentence."""


CHALLENGER_STRATEGIES = (Strategy.SHADOW, Strategy.AB)
"""The strategies that need a second version."""
DEFAULT_CANARY_PERCENT = 10.0
DEFAULT_BAKE_MINUTES = 10.0
"""Where a rollout says nothing and something is to be watched."""

# SageMaker API Reference, TrafficRoutingConfig and BlueGreenUpdatePolicy.
LARGEST_CANARY_PERCENT = 50
LINEAR_STEP_PERCENT = (10, 50)
LONGEST_WAIT_MINUTES = 60
_EXECUTION_SECONDS = (600, 28_800)
_PROVISIONING_SECONDS = 3_600
"""Time for the machines of the new fleet to start, on top of all waiting."""


def strategy_of(rollout: Optional[Rollout]) -> Strategy:
    """The strategy; all at once where nothing is said."""
    return Strategy(rollout["strategy"]) if rollout else Strategy.ALL_AT_ONCE


def linear_step(steps: Sequence[float]) -> Optional[float]:
    """The size of the steps, if there are several and each adds as much as the first; None for anything else.

    The last step, at which the new version has everything, may be smaller, and may be left out.
    """
    if len(steps) < 2:
        return None
    first = steps[0]
    if steps[-1] < 100 and steps[-1] + first < 100:
        return None
    if any(abs(step - min(100.0, first * (number + 1))) > 1e-9 for number, step in enumerate(steps)):
        return None
    return first


def bake_seconds(rollout: Optional[Rollout]) -> int:
    """How long each step is watched."""
    if not rollout:
        return 0
    minutes = rollout.get("bake_minutes")
    if minutes is None:
        watched = rollout.get("rollback") or strategy_of(rollout) is Strategy.CANARY
        minutes = DEFAULT_BAKE_MINUTES if watched else 0.0
    return round(minutes * 60)


def rollback_of(rollout: Optional[Rollout]) -> RollbackConditions:
    """The conditions under which the version before comes back; empty where a person decides."""
    return (rollout.get("rollback") if rollout else None) or RollbackConditions()


def shares(rollout: Optional[Rollout]) -> tuple[float, float]:
    """Percent of the traffic for the released version and for the challenger, in A/B or shadow."""
    strategy = strategy_of(rollout)
    steps = _steps(rollout)
    if strategy is Strategy.AB:
        challenger = float(steps[-1]) if steps else 50.0
        return 100.0 - challenger, challenger
    if strategy is Strategy.SHADOW:
        return 100.0, float(steps[-1]) if steps else 100.0
    return 100.0, 0.0


def deployment(
    rollout: Optional[Rollout], *, rolling_percent: Optional[int], keep_old_minutes: int, alarms: Sequence[Any]
) -> Optional[dict[str, Any]]:
    """The `DeploymentConfig` of an endpoint, with keys as Pulumi has them; None: SageMaker's own, all at once.

    `alarms`: the names of those at which SageMaker brings the version before back.
    """
    strategy, wait = strategy_of(rollout), bake_seconds(rollout)
    made: dict[str, Any] = {}
    if rolling_percent is not None and strategy is Strategy.ALL_AT_ONCE:
        steps = -(-100 // rolling_percent)
        made["rolling_update_policy"] = {
            "maximum_batch_size": _percent(rolling_percent),
            "wait_interval_in_seconds": wait,
            "maximum_execution_timeout_in_seconds": _limit(steps * wait),
        }
    elif strategy is not Strategy.ALL_AT_ONCE or wait or keep_old_minutes:
        routing, steps = _routing(strategy, _steps(rollout))
        made["blue_green_update_policy"] = {
            "traffic_routing_configuration": {**routing, "wait_interval_in_seconds": wait},
            "termination_wait_in_seconds": keep_old_minutes * 60,
            "maximum_execution_timeout_in_seconds": _limit(steps * wait + keep_old_minutes * 60),
        }
    if alarms and made:
        made["auto_rollback_configuration"] = {"alarms": [{"alarm_name": name} for name in alarms]}
    return made or None


def _steps(rollout: Optional[Rollout]) -> list[float]:
    return list(rollout.get("steps_percent") or []) if rollout else []


def _routing(strategy: Strategy, steps: list[float]) -> tuple[dict[str, Any], int]:
    """The traffic shift, and the number of its steps."""
    if strategy is not Strategy.CANARY:
        return {"type": "ALL_AT_ONCE"}, 1
    step = linear_step(steps)
    if step is not None:
        return {"type": "LINEAR", "linear_step_size": _percent(step)}, -(-100 // int(step))
    if len(steps) > 1:
        raise RolloutError(
            f"SageMaker shifts traffic in one step before the last, or in equal ones; 'steps_percent' is {steps}."
        )
    return {"type": "CANARY", "canary_size": _percent(steps[0] if steps else DEFAULT_CANARY_PERCENT)}, 2


def _percent(value: float) -> dict[str, Any]:
    return {"type": "CAPACITY_PERCENT", "value": int(value)}


def _limit(waiting_seconds: int) -> int:
    least, most = _EXECUTION_SECONDS
    return max(least, min(most, waiting_seconds + _PROVISIONING_SECONDS))
