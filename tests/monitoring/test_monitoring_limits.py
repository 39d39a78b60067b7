"""Limits of the blueprint that can never fire: each is a sentence in the report, which names what there is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mlops_stacks.operations.watching import watched_model
from mlops_stacks.runtime.monitoring.findings import never_fires

BASELINE = {"inputs": [{"name": "dest", "kind": "text"}, {"name": "distance", "kind": "float"}]}
METRICS = {"auc": 0.7, "log_loss": 0.4}


def said(
    metrics: dict[str, float], drift: dict[str, float], quality: dict[str, float], features: int = 1
) -> str | None:
    limits = {"drift": drift, "minimum_quality": quality, "drifted_features": features}
    watched: Any = {"limits": limits}
    return never_fires(watched, BASELINE, metrics)


def test_limits_that_can_fire_need_no_word() -> None:
    assert said(METRICS, {"dest": 0.1}, {"auc": 0.6}, 2) is None
    assert said({}, {}, {"auk": 0.99}) is None, "nobody knows the metrics before the first labels"


@pytest.mark.parametrize(
    ("drift", "quality", "features", "sentence"),
    [
        ({"dset": 0.1}, {}, 1, "`drift` names `dset`, which is no input of the model (did you mean `dest`? it has"),
        ({}, {"auk": 0.99}, 1, "no metric of the model (did you mean `auc`? it has auc, log_loss)"),
        ({}, {}, 3, "`drifted_features` is 3, but the model has only 2 inputs (dest, distance)"),
    ],
)
def test_what_can_never_fire_is_named(
    drift: dict[str, float], quality: dict[str, float], features: int, sentence: str
) -> None:
    assert sentence in (said(METRICS, drift, quality, features) or "")


def test_status_says_it_beside_what_was_found() -> None:
    report = {"drift": {"bad": False, "reason": "no feature has drifted"}, "problem": "`drift` names `dset`"}
    empty: dict[str, Any] = {"problem": None, "last_report_at": None, "last_page": None, "alarms": [], "server": None}
    found: Any = SimpleNamespace(model="delay", last_report=report, retrainings={}, **empty)
    assert watched_model(found)["reason"] == "no feature has drifted; `drift` names `dset`"
