"""Plans a hand-written program under the monitor that plans blueprints: records the same, and checks nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlops_stacks.executors.names import StackIdentity
from mlops_stacks.executors.planner import plan_scope
from mlops_stacks.plan import ScopePlan

PROJECT = "mlops-stacks"


def plan_scopes(
    blueprint: str, platform: str, root: Path, programs: Mapping[str, Callable[[], None]]
) -> tuple[ScopePlan, ...]:
    """Plan each scope's program in turn; a later one may read the stacks of those before it."""
    earlier: dict[str, Mapping[str, Any]] = {}
    scopes: list[ScopePlan] = []
    for scope, program in programs.items():
        identity = StackIdentity(PROJECT, f"{blueprint}-{scope}", root)
        planned = plan_scope(program, identity, scope=scope, platform=platform, earlier=earlier)
        earlier[identity.full_name] = planned.outputs
        scopes.append(planned)
    return tuple(scopes)
