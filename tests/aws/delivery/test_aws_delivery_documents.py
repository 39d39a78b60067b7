"""The documents of delivery, each accepted by what reads it: buildspecs, workflows, the Dockerfile, event patterns."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import delivery_plans as plans
import events
import jsonschema
import pytest
import yaml

from mlops_components.aws_delivery import commands, pins
from mlops_components.aws_delivery.files import dockerfile
from mlops_stacks.operations.documents import repository_files
from mlops_stacks.plan import Plan

SCHEMA = json.loads((Path(__file__).parent / "buildspec.schema.json").read_text())
_OWN = Path(__file__).parents[3] / ".venvs" / "ci-files" / "bin" / "check-jsonschema"
CHECKER = str(_OWN) if _OWN.exists() else shutil.which("check-jsonschema")
needs_checker = pytest.mark.skipif(CHECKER is None, reason="check-jsonschema is neither in .venvs/ci-files nor on PATH")
ENGINES = {
    "github_actions": (".github/workflows/mlops-stacks.yml", "vendor.github-workflows"),
    "gitlab_ci": (".gitlab-ci.yml", "vendor.gitlab-ci"),
}


@pytest.mark.parametrize("project", sorted(plans.projects(plans.usual())))
def test_a_buildspec_follows_its_reference(project: str) -> None:
    spec = plans.buildspec(plans.usual(), project)
    jsonschema.validate(spec, SCHEMA)
    for line in spec["phases"]["build"]["commands"]:
        checked = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, f"{line}: {checked.stderr}"


def test_the_schema_notices_what_is_wrong() -> None:
    good = plans.buildspec(plans.usual(), "continuous-integration-citest")
    for wrong in (
        {**good, "phase": {}},
        {**good, "version": 2},
        {**good, "artifacts": {}},
        {**good, "phases": {"build": {"commands": "echo"}}},
        {**good, "reports": {"tests": {"files": ["a.xml"], "file-format": "JUNIT"}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


@needs_checker
@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("smoke", [True, False])
def test_a_workflow_is_accepted_by_its_services_schema(engine: str, smoke: bool, tmp_path: Path) -> None:
    path, schema = ENGINES[engine]
    file = tmp_path / Path(path).name
    file.write_text(_files(engine, smoke=smoke)[path], encoding="utf-8")
    assert CHECKER is not None
    command = [CHECKER, "--builtin-schema", schema, str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_workflow_knows_beforehand_what_the_plan_makes(engine: str) -> None:
    """The file is in the repository before anything is deployed, so what it names must be what is made."""
    scope = _scope(engine)
    text = scope.outputs["continuous_integration"]["files"][ENGINES[engine][0]]
    settings, role = (plans.resource(scope, f"continuous-integration-{each}") for each in ("settings", "cijobs-role"))
    assert "${urn:" not in text
    assert f"s3://{settings.inputs['bucket']}/{settings.inputs['key']}" in text
    assert f"arn:aws:iam::111111111111:role/{role.inputs['name']}" in text
    images = plans.resource(scope, "foundation-images").inputs["name"]
    assert f"111111111111.dkr.ecr.{plans.REGION}.amazonaws.com/{images}" in text


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_the_role_of_jobs_trusts_one_branch_of_one_repository(engine: str) -> None:
    trust = json.loads(plans.resource(_scope(engine), "continuous-integration-cijobs-role").inputs["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    ((subjects_key, subjects),) = [
        (key, value) for key, value in statement["Condition"]["StringEquals"].items() if key.endswith(":sub")
    ]
    assert subjects_key.endswith(":sub")
    assert all("acme/flights" in each and each.endswith("main") for each in subjects), subjects


def test_a_pull_request_gets_no_permission() -> None:
    workflow: dict[str, Any] = yaml.safe_load(_files("github_actions")[ENGINES["github_actions"][0]])
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["test"]
    assert workflow["jobs"]["image"]["if"] == "github.event_name == 'push'"
    gitlab = yaml.safe_load(_files("gitlab_ci")[".gitlab-ci.yml"])
    assert "id_tokens" not in str(gitlab["test"])
    assert '!= "merge_request_event"' in gitlab[".built"]["rules"][0]["if"]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_each_service_runs_the_same_lines(engine: str) -> None:
    """GitHub and GitLab do nothing that CodeBuild does not."""
    text = _files(engine)[ENGINES[engine][0]]
    said = yaml.safe_load(text)
    lines = json.dumps(said)
    for part in ("citest", "cismoke"):
        spec = plans.buildspec(plans.usual(), f"continuous-integration-{part}")
        for line in spec["phases"]["build"]["commands"][1:]:
            assert json.dumps(line)[1:-1] in lines, line


def test_files_of_the_repository_are_written_at_their_places() -> None:
    scope = _scope("github_actions")
    files = {str(file.path): file.text for file in repository_files(Plan("flights", "aws", None, (scope,)))}
    assert set(files) == {ENGINES["github_actions"][0]}


def test_every_action_is_pinned_by_its_commit() -> None:
    workflow = yaml.safe_load(_files("github_actions")[ENGINES["github_actions"][0]])
    used = {step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step}
    assert used
    assert all(len(each.partition("@")[2]) == 40 for each in used), used


def test_the_pulumi_cli_is_as_old_as_the_sdk() -> None:
    assert version("pulumi").split(".")[:2] == pins.PULUMI.split(".")[:2]


def test_the_dockerfile_holds_what_was_asked_for() -> None:
    plain, more = dockerfile(), dockerfile("python:3.11", ["libgomp1", "git"])
    assert plain.count(f"FROM {pins.BASE_IMAGE}") == 2
    assert "apt-get" not in plain
    assert "--no-install-recommends git libgomp1" in more
    assert 'ENTRYPOINT ["python", "-m", "mlops_stacks.runtime"]' in plain
    assert "<<" not in plain + more


@pytest.mark.parametrize(
    ("platform", "wanted"),
    [
        ("0.1.0", "mlops-stacks[a,b]==0.1.0"),
        ("https://example.com/x.whl", "mlops-stacks[a,b] @ https://example.com/x.whl"),
        ("wheels/x.whl", "./wheels/x.whl[a,b]"),
    ],
)
def test_where_pip_finds_the_platform(platform: str, wanted: str) -> None:
    assert commands.requirement(platform, ("b", "a")) == wanted


def test_an_approval_starts_the_release() -> None:
    rule = plans.resource(plans.usual(), "pipeline-delivery-approved-rule")
    group = plans.resource(plans.usual(), "model-registry-flight_delay").inputs["modelPackageGroupName"]
    pattern = rule.inputs["eventPattern"]
    assert events.passes(pattern, events.model_package_changed(group))
    assert not events.passes(pattern, events.model_package_changed(group, approval="Rejected"))
    assert not events.passes(pattern, events.model_package_changed("another"))
    target = plans.resource(plans.usual(), "pipeline-delivery-approved-target")
    assert "pipeline-delivery-cd2-pipeline" in target.inputs["arn"]


@pytest.mark.parametrize(
    ("kind", "state", "other"), [("success", "SUCCEEDED", "FAILED"), ("failure", "FAILED", "STARTED")]
)
@pytest.mark.parametrize(
    "stage",
    ["continuous-integration-ci", "continuous-integration-cipull", "pipeline-delivery-cd1", "pipeline-delivery-cd2"],
)
def test_people_are_told_how_runs_ended(stage: str, kind: str, state: str, other: str) -> None:
    name = plans.resource(plans.usual(), f"{stage}-pipeline").inputs["name"]
    pattern = plans.resource(plans.usual(), f"{stage}{kind}-rule").inputs["eventPattern"]
    assert events.passes(pattern, events.code_pipeline_changed(name, state))
    assert not events.passes(pattern, events.code_pipeline_changed(name, other))
    assert not events.passes(pattern, events.code_pipeline_changed("another", state))


def _scope(engine: str, **ci: Any) -> Any:
    return plans.shared_scope(plans.delivery_document({"engine": engine, **ci}))


def _files(engine: str, **ci: Any) -> dict[str, str]:
    files: dict[str, str] = _scope(engine, **ci).outputs["continuous_integration"]["files"]
    return files
