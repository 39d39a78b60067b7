"""Which scope a stage is in (DESIGN.md, section 2, "Scopes")."""

from __future__ import annotations

from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage

_ONCE = frozenset({Stage.MODEL_REGISTRY, Stage.CONTINUOUS_INTEGRATION, Stage.PIPELINE_DELIVERY})
_ONCE_ON_A_LAPTOP = frozenset({Stage.EXPERIMENT_TRACKING, Stage.WORKBENCH})


def is_in_scope(stage: Stage, platform: Platform, scope: str) -> bool:
    """Whether a stage has a component in a scope.

    A foundation is in every scope. What a release refers to, and what delivers, exists once. On a laptop tracking
    and notebooks exist once as well: one process each is what it can afford.
    """
    if stage is Stage.FOUNDATION:
        return True
    once = stage in _ONCE or (platform is Platform.LOCAL and stage in _ONCE_ON_A_LAPTOP)
    return once is (scope == SHARED)
