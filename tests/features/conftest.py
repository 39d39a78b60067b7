"""A store that several tests look at: applied once, for `feast apply` takes seconds."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from feature_stores import GROUPS, applied_store, reference

from mlops_components.spec.feature import FeatureStoreRef


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Path]:
    """Groups -> the folder of a store in which they are applied."""
    made: dict[str, Path] = {}

    def template(groups: dict[str, Any]) -> Path:
        key = repr(groups)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("store")
            online = Path(applied_store(made[key], groups)["online"])
            shutil.copyfile(online, online.with_suffix(".empty"))
        return made[key]

    return template


@pytest.fixture
def store(templates: Callable[[dict[str, Any]], Path]) -> Callable[..., FeatureStoreRef]:
    """`store(groups)` is an applied store without rows; the next call empties it again."""

    def make(groups: dict[str, Any] = GROUPS) -> FeatureStoreRef:
        found = reference(templates(groups), groups)
        for path in Path(found["history"]).iterdir():
            path.unlink()
        online = Path(found["online"])
        shutil.copyfile(online.with_suffix(".empty"), online)
        return found

    return make
