"""A feature store for smoke models alone: in a build's own files, so that what one computes reaches no environment."""

from collections.abc import Mapping

from mlops_components.feature_store.feast_files import configuration, definitions
from mlops_components.spec.delivery import WORK, SmokeFeatures
from mlops_components.spec.feature import FeatureGroup, FeatureStoreRef


def smoke_features(blueprint: str, builds: str, groups: Mapping[str, FeatureGroup]) -> SmokeFeatures:
    """Return the store of the builds in a folder, and the files that define it."""
    folder = f"{builds}/{WORK}/features"
    store: FeatureStoreRef = {
        "repository": f"{folder}/repository",
        "project": f"{blueprint}_ci".replace("-", "_"),
        "history": f"{folder}/history",
        "online": f"{folder}/repository/online_store.db",
        "groups": dict(groups),
    }
    return {
        "store": store,
        "files": {
            "feature_store.yaml": configuration(store["project"], store["repository"], store["online"]),
            "definitions.py": definitions(dict(groups), store["history"]),
        },
    }
