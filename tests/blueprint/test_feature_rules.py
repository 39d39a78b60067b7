"""Rules of feature groups: each broken one is a sentence at its place."""

from __future__ import annotations

from typing import Any

import pytest

from mlops_stacks.blueprint.assemble import assemble

GROUP: dict[str, Any] = {
    "entity": "origin",
    "event_time": "known_at",
    "features": [{"name": "share", "type": "float"}, {"name": "since", "type": "timestamp"}],
}


def said(group: dict[str, Any], features: list[str] | None = None, *, store: bool = True) -> list[str]:
    stages = ["foundation", "experiment_tracking", "model_registry", "training_pipeline", "serving"]
    document = {
        "schema_version": 1,
        "name": "demo",
        "platform": "local",
        "environments": {"dev": {}},
        "stages": [*stages, "feature_store"] if store else stages,
        "workload": {"entry_point": "a.b:c"},
        "feature_groups": {"origins": group},
        "models": {"m": {"features": features or []}},
    }
    return [f"{'.'.join(map(str, p.path))}: {p.message}; {p.fix}" for p in assemble(document)[1]]


def test_a_good_group_and_its_feature_are_accepted() -> None:
    assert said(GROUP, ["origins.share"]) == []
    assert said({**GROUP, "keys": ["origin", "dest"], "entity": "route", "online": False, "ttl_days": 3}) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"entity": "the origin"}, "entity: `the origin` cannot be the name of a column on every platform"),
        ({"keys": []}, "keys: a feature group without keys tells nothing; name at least one"),
        ({"features": []}, "features: a feature group without features tells nothing; name at least one"),
        ({"keys": ["known_at"]}, "event_time: the group has the column `known_at` already"),
        ({"ttl_days": 0}, "ttl_days: rows that hold for no day at all are never served; write 1 or more"),
        ({"features": [{"name": "speed_y", "type": "float"}]}, "columns that end in `_y`, as `speed_y` does"),
        ({"event_time": "event_timestamp"}, "event_time: Feast uses the name `event_timestamp` itself"),
        ({"features": [{"name": "rn", "type": "float"}]}, "features.0.name: Feast uses the name `rn` itself"),
        (
            {"features": [{"name": "share", "type": "float"}, {"name": "share", "type": "integer"}]},
            "features.1.name: the group has the column `share` already",
        ),
    ],
)
def test_a_group_that_cannot_work_is_refused(change: dict[str, Any], sentence: str) -> None:
    found = said({**GROUP, **change})
    assert any(sentence in one for one in found), found


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (
            ["origins.shares"],
            "models.m.features.0: no feature group has the feature `origins.shares`; did you mean `origins",
        ),
        (["share"], "models.m.features.0: no feature group has the feature `share`"),
        (["origins.since"], "models.m.features.0: `origins.since` is a timestamp, which no model takes"),
        (["origins.share", "origins.share"], "models.m.features.1: `origins.share` is named twice"),
    ],
)
def test_a_model_reads_only_features_that_there_are(features: list[str], sentence: str) -> None:
    found = said(GROUP, features)
    assert any(sentence in one for one in found), found


def test_features_need_a_store() -> None:
    found = said(GROUP, ["origins.share"], store=False)
    assert any("there is no feature store to read from; add `feature_store` to the stages" in one for one in found)
    assert any(one.startswith("feature_groups.origins.entity: nothing in this blueprint reads it") for one in found)
