"""The local platform: identity of resources, and which scope holds what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compose import documents
from goldens import check_golden
from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import Plan

ROOT = Path("/project")


@pytest.fixture(scope="module")
def planned() -> Plan:
    """Two environments, the model released in one of them, with a schedule."""
    model = {"release": "latest_approved", "pipeline": {"schedule": {"cron": "0 3 * * *"}}}
    document = documents.local(environments={"dev": {}, "prod": {}}, models={"flight_delay": model})
    return plan(project_of(document, ROOT, {"dev": {"flight_delay": "3"}}))


@pytest.mark.golden
def test_urns_are_stable(planned: Plan) -> None:
    lines = [f"{resource.scope} {resource.urn}" for resource in planned.resources]
    check_golden("local.urns.txt", "\n".join(lines) + "\n")


def test_nothing_to_object_to(planned: Plan) -> None:
    assert planned.errors == ()


def test_one_supervisor_and_one_mlflow_serve_all_environments(planned: Plan) -> None:
    shared, *environments = planned.scopes
    programs = {r.inputs["name"] for r in shared.resources if r.type.endswith(":Program")}
    assert programs == {"mlflow", "jupyterlab"}
    assert [r.scope for r in planned.resources if r.type.endswith(":Supervisor")] == ["shared"]
    for scope in environments:
        assert {r.inputs["supervisor"] for r in scope.resources if r.type.endswith(":Program")} == {
            f"{ROOT}/.mlops-stacks/flights/shared/supervisor"
        }


def test_only_a_released_model_is_served(planned: Plan) -> None:
    programs = {
        scope.scope: {r.inputs["name"] for r in scope.resources if r.type.endswith(":Program")}
        for scope in planned.scopes
    }
    assert programs["dev"] == {"dev-scheduler", "dev-serving-flight_delay", "dev-monitor"}
    assert programs["prod"] == {"prod-scheduler"}


def _document(planned: Plan, name: str, scope: str = "dev") -> Any:
    resource = next(r for r in planned.resources if r.scope == scope and r.name == name)
    return json.loads(resource.inputs["content"])


def test_the_steps_are_told_where_to_track_and_register(planned: Plan) -> None:
    settings = _document(planned, "training-pipeline-flight_delay-settings")
    assert "experiment-tracking" in settings["tracking_uri"]
    assert settings["registry_uri"] == settings["tracking_uri"]
    assert settings["serving_version"] == "3"
    assert _document(planned, "training-pipeline-flight_delay-settings", "prod")["serving_version"] is None


def test_a_step_follows_the_one_before(planned: Plan) -> None:
    steps = _document(planned, "training-pipeline-flight_delay-pipeline")["pipeline"]["steps"]
    assert [(step["name"], step["depends_on"]) for step in steps[:3]] == [
        ("extract", []),
        ("validate", ["extract"]),
        ("prepare", ["validate"]),
    ]


def test_without_tracking_and_registry_the_steps_know_of_neither() -> None:
    document = documents.local(stages=["foundation", "training_pipeline"], models={"flight_delay": {}})
    settings = _document(plan(project_of(document, ROOT)), "training-pipeline-flight_delay-settings")
    assert [settings[key] for key in ("tracking_uri", "experiment", "registry_uri", "registered_model")] == [None] * 4


def test_a_registry_alone_starts_a_server_of_its_own() -> None:
    document = documents.local(stages=["foundation", "model_registry"], models={"flight_delay": {}})
    document.pop("workload")
    planned = plan(project_of(document, ROOT))
    assert [r.name for r in planned.resources if r.type.endswith(":Program")] == ["model-registry-server"]


def test_a_directory_of_your_own_holds_everything() -> None:
    document = documents.local(environments={"dev": {"target": {"directory": "elsewhere"}}})
    planned = plan(project_of(document, ROOT))
    paths = [r.inputs["path"] for r in planned.resources if r.type.endswith((":Directory", ":File"))]
    assert paths
    assert all(path.startswith("/project/elsewhere/") for path in paths)


def test_an_override_reaches_the_resource_and_is_shown() -> None:
    override = {
        "type": "*:Program",
        "name": "serving-*",
        "set": {"startup_seconds": 7, "environment.OMP_NUM_THREADS": "1"},
    }
    planned = plan(project_of(documents.local(overrides=[override]), ROOT, {"dev": {"flight_delay": "1"}}))
    server = next(r for r in planned.resources if r.name == "serving-flight_delay-server")
    assert server.inputs["startup_seconds"] == 7
    assert server.inputs["environment"]["OMP_NUM_THREADS"] == "1"
    assert [f.urn for f in planned.findings if f.rule == "override"] == [server.urn]


def test_an_override_that_matches_nothing_is_an_error() -> None:
    override = {"type": "aws:s3/bucket:Buckett", "set": {"forceDestroy": True}}
    planned = plan(project_of(documents.local(overrides=[override]), ROOT))
    assert [f.rule for f in planned.errors] == ["override-matches-nothing"]


def test_an_override_is_checked_against_the_provider() -> None:
    override = {
        "type": "aws:s3/bucketVersioning:BucketVersioning",
        "set": {"versioningConfiguration.statsu": "Enabled"},
    }
    planned = plan(project_of(documents.aws(overrides=[override]), ROOT))
    assert {f.rule for f in planned.errors} == {"unknown-key"}
    assert all("status" in f.fix for f in planned.errors)
