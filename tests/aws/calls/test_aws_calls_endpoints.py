"""A private network has an endpoint for each service that what runs in it speaks to, and for no other.

Roles are the measure: what they may do was held against the calls that their code was recorded making, both ways. The
recorded calls themselves are held against the endpoints where they are recorded (test_aws_calls_full_plan.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from call_accounts import PlannedAccount
from call_endpoints import WITHOUT_PERMISSION, endpoints, needed
from compose.documents import aws_whole
from full_plans import filled_plan
from projects import project_of

from mlops_stacks.operations.planning import plan

ENGINES: list[dict[str, str]] = [
    {},
    {"experiment_tracking": "sagemaker_experiments"},
    {"training_pipeline": "step_functions"},
    {"serving": "lambda", "monitoring": ""},
    {"feature_store": "", "workbench": "", "monitoring": ""},
]
"""Engine of a stage instead of the default one; empty leaves the stage out."""
GROUPS = {"delays": {"entity": "origin", "event_time": "at", "features": [{"name": "share", "type": "float"}]}}


def whole(engines: dict[str, str]) -> PlannedAccount:
    document = aws_whole(secrets={"API_KEY": {"source": "manager", "name": "flights/key"}})
    stages: dict[str, Any] = document["stages"]
    for stage, engine in engines.items():
        if engine:
            stages[stage] = {"engine": engine}
        else:
            del stages[stage]
    if "monitoring" not in stages:
        del document["models"]["flight_delay"]["monitoring"]
    if "feature_store" in stages:
        document |= {"feature_groups": GROUPS}
    document["notifications"] = [{"email": "team@example.com", "on": ["success", "failure"]}]
    made = plan(project_of(document, Path("/project")))
    assert made.errors == ()
    return PlannedAccount(made)


@pytest.mark.parametrize("engines", ENGINES, ids=str)
def test_each_service_in_use_has_an_endpoint_and_no_other(engines: dict[str, str]) -> None:
    account = whole(engines)
    there, wanted = endpoints(account, "dev"), needed(account, "dev")
    assert wanted - there == set()
    assert there - wanted - set(WITHOUT_PERMISSION) == set()


@pytest.mark.parametrize("scope", ["dev", "staging", "prod"])
def test_the_whole_blueprint_likewise(scope: str) -> None:
    account = PlannedAccount(filled_plan("aws"))
    there, wanted = endpoints(account, scope), needed(account, scope)
    assert wanted - there == set()
    assert there - wanted - set(WITHOUT_PERMISSION) == set()


def test_endpoints_without_a_permission_are_those_of_their_stages() -> None:
    plain = endpoints(whole({"workbench": "", "serving": "lambda", "monitoring": ""}), "dev")
    assert plain & set(WITHOUT_PERMISSION) == {"lambda", "sts"}


def test_recorded_runs_of_experiments_reach_their_measures() -> None:
    assert "sagemaker.metrics" in endpoints(whole({"experiment_tracking": "sagemaker_experiments"}), "dev")
    assert "sagemaker.metrics" not in endpoints(whole({}), "dev")
