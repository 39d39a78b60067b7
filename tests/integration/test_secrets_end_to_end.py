"""A secret reaches the step that needs it, and nothing else: no state, plan, document, log or output ever shows it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration_platform import CHEAP, cli, end_everything, picture, write_project

pytestmark = [pytest.mark.slow]

BY_VARIABLE = "swordfish-from-the-environment"
BY_FILE = "swordfish-from-a-file"
SECRETS = {
    "TINY_TOKEN": {"source": "environment", "variable": "MY_OWN_TOKEN"},
    "TINY_PASSWORD": {"source": "file", "path": "password.txt"},
}


@pytest.fixture
def blueprint(tmp_path: Path) -> Iterator[Path]:
    """A project with two secrets; whatever it started is ended."""
    (tmp_path / "seen").mkdir()
    model = {**CHEAP["models"]["tiny"], "parameters": {"seen_in": str(tmp_path / "seen" / "seen.json")}}
    document = {**CHEAP, "secrets": SECRETS, "models": {"tiny": model}}
    yield write_project(tmp_path / "project", document)
    end_everything(tmp_path)


def password(blueprint: Path, text: str = f"{BY_FILE}\n", mode: int = 0o600) -> Path:
    path = blueprint.parent / "password.txt"
    path.write_text(text)
    path.chmod(mode)
    return path


def with_token(*arguments: str, blueprint: Path) -> subprocess.CompletedProcess[str]:
    return cli(blueprint, *arguments, environment={"MY_OWN_TOKEN": BY_VARIABLE})


def shown_below(folder: Path, secret: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_only_the_steps_see_secrets(blueprint: Path, tmp_path: Path) -> None:
    secret_file = password(blueprint)
    said = []
    for arguments in (
        ("plan",),
        ("plan", "--format", "json"),
        ("plan", "--format", "markdown"),
        ("render", "--to", str(tmp_path / "project" / "rendered")),
        ("up",),
        ("run", "tiny"),
        ("status",),
        ("status", "--json"),
        ("outputs", "--json"),
        ("logs", "training_pipeline"),
        ("logs", "foundation"),
    ):
        done = with_token(*arguments, blueprint=blueprint)
        said.append(done.stdout + done.stderr)
        if arguments == ("run", "tiny"):
            seen = json.loads((tmp_path / "seen" / "seen.json").read_text())
            assert seen == {"TINY_PASSWORD": BY_FILE, "TINY_TOKEN": BY_VARIABLE}
            assert "there is nothing to prepare" in done.stderr, "the run went past the step that took the secrets"
        elif arguments[0] != "logs":
            assert done.returncode == 0, done.stderr
    secret_file.unlink()
    for secret in (BY_VARIABLE, BY_FILE):
        assert not [text for text in said if secret in text]
        assert shown_below(blueprint.parent, secret) == []
    assert "TINY_TOKEN" in str(list(picture_texts(blueprint))), "the reference itself is handed on"
    assert with_token("destroy", "--yes", blueprint=blueprint).returncode == 0


def picture_texts(blueprint: Path) -> Iterator[str]:
    home = blueprint.parent / ".mlops-stacks" / "cheap"
    assert picture(home).programs
    for path in (home / "state").glob("*.json"):
        yield path.read_text()


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda file: None, "`TINY_PASSWORD` is missing: the file {file} cannot be read (No such file or directory)"),
        (lambda file: password(file, "\n"), "`TINY_PASSWORD` is missing: the file {file} holds no text"),
        (lambda file: password(file, mode=0o644), "`TINY_PASSWORD` is in {file}, which others than its owner may use"),
    ],
    ids=["no file", "empty file", "readable by others"],
)
def test_a_secret_that_cannot_be_had_is_one_sentence(blueprint: Path, prepare: Any, said: str, tmp_path: Path) -> None:
    prepare(blueprint)
    assert with_token("up", blueprint=blueprint).returncode == 0
    done = with_token("run", "tiny", blueprint=blueprint)
    assert done.returncode not in (0, 130)
    sentence = " ".join(done.stderr.split())
    assert said.format(file=blueprint.parent / "password.txt") in sentence
    assert "attempt 2" not in sentence, "trying again cannot help"
    assert not (tmp_path / "seen" / "seen.json").exists(), "the workload did not even begin"


def test_a_variable_that_is_not_set_is_one_sentence(blueprint: Path) -> None:
    password(blueprint)
    assert "MY_OWN_TOKEN" not in os.environ
    assert cli(blueprint, "up").returncode == 0
    sentence = " ".join(cli(blueprint, "run", "tiny").stderr.split())
    assert "`TINY_TOKEN` is missing: set the environment variable `MY_OWN_TOKEN`" in sentence
