"""Blueprint -> foundation."""

from __future__ import annotations

from typing import Any

from mlops_components.foundation.local import LocalFoundation
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common


def build(context: Context) -> Any:
    """The foundation of a scope."""
    shared = context.shared_foundation()
    return LocalFoundation(
        "foundation",
        {
            "home": common.home(context),
            "scope": context.scope,
            "supervisor": None if shared is None else shared.supervisor,
            "lifecycle": common.lifecycle(context, Stage.FOUNDATION),  # type: ignore[typeddict-item]
        },
    )
