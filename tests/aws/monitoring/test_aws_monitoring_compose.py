"""From the blueprint to monitoring on AWS: who is watched, and by which roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compose import documents
from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import ScopePlan

IMAGE = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/flights@sha256:" + 64 * "0"
RELEASES = {"dev": {"flight_delay": "3"}}
STAGES = ("foundation", "experiment_tracking", "model_registry", "training_pipeline", "serving")


def document(monitoring: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "stages": {**{stage: {} for stage in STAGES}, "monitoring": monitoring or {}},
        "workload": {"entry_point": "flight_delay.workload:FlightDelay", "image": IMAGE},
        "models": {"flight_delay": {}},
        **more,
    }
    made = documents.aws(**given)
    del made["environments"]["prod"]
    return dict(made)


def planned(given: dict[str, Any], releases: dict[str, dict[str, str]] | None = None) -> ScopePlan:
    whole = plan(project_of(given, Path("/project"), RELEASES if releases is None else releases), "dev")
    assert whole.errors == (), whole.errors
    return next(scope for scope in whole.scopes if scope.scope == "dev")


def watching(scope: ScopePlan) -> dict[str, dict[str, Any]]:
    """Logical name -> inputs, of what monitoring makes, roles included."""
    return {r.name: dict(r.inputs) for r in scope.resources if r.stage == "monitoring" and not r.is_component}


def test_nothing_is_watched_before_the_first_release() -> None:
    assert watching(planned(document(), {})) == {}


def test_no_baseline_is_made_before_there_is_an_image() -> None:
    made = watching(planned(document(workload={"entry_point": "flight_delay.workload:FlightDelay"})))
    assert "monitoring-flight_delay-data_quality-job" in made
    assert "monitoring-flight_delay-baseline" not in made


def test_a_released_model_is_watched_and_drift_trains_it_anew() -> None:
    models = {"flight_delay": {"retraining": {"on_drift": True, "cooldown_hours": 12}}}
    notifications = [{"email": "ml@example.com", "on": ["alarm"]}]
    made = watching(planned(document(models=models, notifications=notifications)))
    settings = json.loads(made["monitoring-flight_delay-reference"]["content"])
    assert settings["version"] == "3"
    assert settings["runs"] == ["s3://flights-dev-artifacts-111111111111/runs/flight_delay"]
    assert json.loads(made["monitoring-flight_delay-retraining-start"]["input"])["cooldownSeconds"] == 12 * 3600
    (topic,) = made["monitoring-flight_delay-drift"]["alarmActions"]
    assert "sns" in topic
    started = [
        (statement["Action"], statement["Resource"])
        for name in ("monitoring-retraining-policy", "monitoring-watching-policy")
        for statement in json.loads(made[name]["policy"])["Statement"]
        if any(action.startswith(("sagemaker:Start", "states:Start")) for action in statement["Action"])
    ]
    assert len(started) == 3
    assert all("*" not in resource for _, resources in started for resource in resources)


def test_other_ways_of_serving_have_alarms_only() -> None:
    stages = {**{stage: {} for stage in STAGES}, "serving": {"mode": "serverless"}, "monitoring": {}}
    made = watching(planned(document(stages=stages)))
    assert "monitoring-flight_delay-latency_p99" in made
    assert not [name for name in made if name.endswith(("-job", "-schedule", "-role"))]
