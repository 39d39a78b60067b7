"""Which folder, backend and passphrase the Pulumi CLI is given."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from projects import project_of

from mlops_stacks.executors.pulumi_home import pulumi_home
from mlops_stacks.project import Project

PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    document = {"schema_version": 1, "name": "tiny", "platform": "local", "environments": {"dev": {}}}
    made: Project = project_of({**document, "stages": ["foundation"]}, tmp_path / "blueprints")
    made.root.mkdir()
    return made


@pytest.fixture
def nothing(tmp_path: Path) -> dict[str, str]:
    """An environment in which nobody has logged in."""
    return {"PULUMI_HOME": str(tmp_path / "cli")}


def test_by_default_the_blueprint_keeps_its_own_state(project: Project, nothing: dict[str, str]) -> None:
    home = pulumi_home(project, nothing)
    own = project.home / "pulumi"
    assert home.folder == own
    assert home.settings is None
    assert home.variables["PULUMI_BACKEND_URL"] == f"file://{own / 'state'}"
    assert (own / "state").is_dir()
    assert home.variables["PULUMI_PYTHON_CMD"] == sys.executable


def test_the_passphrase_is_private_and_handed_over_by_its_file(project: Project, nothing: dict[str, str]) -> None:
    home = pulumi_home(project, nothing)
    file = Path(home.variables[PASSPHRASE_FILE])
    text = file.read_text()
    assert len(text) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert text not in str(home)
    assert pulumi_home(project, nothing) == home
    assert file.read_text() == text


@pytest.mark.parametrize(
    "chosen",
    [
        {"PULUMI_BACKEND_URL": "s3://bucket"},
        {"PULUMI_ACCESS_TOKEN": "anything"},
    ],
)
def test_a_choice_in_the_environment_is_left_alone(
    project: Project, nothing: dict[str, str], chosen: dict[str, str]
) -> None:
    home = pulumi_home(project, nothing | chosen)
    assert home.variables.keys() == {"PULUMI_PYTHON_CMD"}
    assert not (project.home / "pulumi" / "passphrase").exists()


@pytest.mark.parametrize("variable", [PASSPHRASE_FILE, "PULUMI_CONFIG_PASSPHRASE"])
def test_a_passphrase_of_the_users_own_is_used(project: Project, nothing: dict[str, str], variable: str) -> None:
    home = pulumi_home(project, nothing | {variable: ""})
    assert PASSPHRASE_FILE not in home.variables
    assert "PULUMI_BACKEND_URL" in home.variables


def test_a_login_is_left_alone(project: Project, nothing: dict[str, str]) -> None:
    credentials = Path(nothing["PULUMI_HOME"]) / "credentials.json"
    credentials.parent.mkdir()
    credentials.write_text(json.dumps({"current": "file:///somewhere"}))
    assert "PULUMI_BACKEND_URL" not in pulumi_home(project, nothing).variables
    credentials.write_text(json.dumps({"current": ""}))
    assert "PULUMI_BACKEND_URL" in pulumi_home(project, nothing).variables


def test_a_project_file_above_the_blueprint_is_used(project: Project, nothing: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.yaml"
    file.write_text("name: mlops-stacks\nruntime: python\nbackend: {url: 's3://bucket'}\n")
    home = pulumi_home(project, nothing)
    assert home.folder == tmp_path
    assert "PULUMI_BACKEND_URL" not in home.variables


def test_another_project_file_is_not_ours(project: Project, nothing: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: website\nruntime: nodejs\n")
    assert pulumi_home(project, nothing).folder == project.home / "pulumi"
