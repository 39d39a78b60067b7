"""Feature stores for tests: a real Feast repository, applied as `up` applies it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlops_components.feature_store.feast_files import configuration, definitions
from mlops_components.local import feast
from mlops_components.spec.feature import FeatureStoreRef

GROUPS: dict[str, Any] = {
    "origin_delays": {
        "entity": "origin",
        "event_time": "known_at",
        "features": [{"name": "share", "type": "float", "description": "Share of late flights"}],
    },
    "route_delays": {
        "entity": "route",
        "keys": ["origin", "dest"],
        "event_time": "known_at",
        "features": [
            {"name": "share", "type": "float"},
            {"name": "flights", "type": "integer"},
            {"name": "busy", "type": "boolean"},
            {"name": "carrier", "type": "string"},
            {"name": "last", "type": "timestamp"},
        ],
    },
}

TTL_GROUPS = {**GROUPS, "origin_delays": {**GROUPS["origin_delays"], "ttl_days": 1}}
"""The same, but rows of origins hold for a day."""


def reference(folder: Path, groups: dict[str, Any] | None = None) -> FeatureStoreRef:
    """What steps are told of the store in `folder`."""
    return {
        "repository": str(folder / "repository"),
        "project": "demo_dev",
        "history": str(folder / "history"),
        "online": str(folder / "repository" / "online_store.db"),
        "groups": GROUPS if groups is None else groups,
    }


def write_repository(store: FeatureStoreRef) -> Path:
    """The files of the repository, not yet applied."""
    repository = Path(store["repository"])
    repository.mkdir(parents=True, exist_ok=True)
    Path(store["history"]).mkdir(exist_ok=True)
    (repository / "feature_store.yaml").write_text(configuration(store["project"], str(repository), store["online"]))
    (repository / "definitions.py").write_text(definitions(store["groups"], store["history"]))
    return repository


def applied_store(folder: Path, groups: dict[str, Any] | None = None) -> FeatureStoreRef:
    """A store whose definitions are applied."""
    store = reference(folder, groups)
    feast.ensure(write_repository(store))
    return store
