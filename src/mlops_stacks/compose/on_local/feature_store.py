"""Blueprint -> feature store."""

from __future__ import annotations

from typing import Any

from mlops_components.feature_store.local import LocalFeatureStore
from mlops_components.spec.feature import FeatureStoreRef
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common


def build(context: Context) -> Any:
    """The feature groups of an environment."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    return LocalFeatureStore(
        "feature-store",
        {
            "directory": foundation.folder.apply(lambda folder: f"{folder}/feature_store"),
            "project": _project(context),
            "groups": context.settings.feature_groups,
            "lifecycle": common.lifecycle(context, Stage.FEATURE_STORE),  # type: ignore[typeddict-item]
        },
    )


def reference(context: Context) -> FeatureStoreRef | None:
    """What steps and servers of this environment are told; None where there is no feature store."""
    store: Any = context.contract(Stage.FEATURE_STORE)
    if store is None:
        return None
    return {
        "repository": store.repository,
        "project": _project(context),
        "history": store.history,
        "online": store.online_store,
        "groups": context.settings.feature_groups,
    }


def _project(context: Context) -> str:
    """Feast takes letters, digits and underscores; a blueprint's names have hyphens where these have underscores."""
    return f"{context.blueprint.name}_{context.scope}".replace("-", "_")
