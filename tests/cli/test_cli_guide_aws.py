"""docs/aws.md: every command in it exists, and those that need no account do what they say."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from cli_runner import Cli

pytest_plugins = ["cli_fixtures"]

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
RUNNABLE = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
MENTIONED = sorted(set(re.findall(r"`(mlops-stacks [^`]+)`", GUIDE)))


@pytest.mark.parametrize("line", RUNNABLE)
def test_what_needs_no_account_runs(line: str, cli: Cli) -> None:
    for folder in ("blueprints", "examples"):
        shutil.copytree(ROOT / folder, cli.folder / folder, ignore=shutil.ignore_patterns("releases", ".mlops-stacks"))
    program, *arguments = shlex.split(line)
    assert program == "mlops-stacks"
    answer = cli(*arguments)
    assert answer.code == 0, answer.text
    assert answer.out.strip()


def test_the_blocks_have_the_commands_of_the_first_steps() -> None:
    assert {shlex.split(line)[3] for line in RUNNABLE} >= {"validate", "plan", "bootstrap", "permissions"}


@pytest.mark.parametrize("command", MENTIONED)
def test_what_is_mentioned_exists(command: str, cli: Cli) -> None:
    verb, *options = [word for word in shlex.split(command)[1:] if not word.startswith("<")]
    answer = cli(verb, "--help")
    assert answer.code == 0, answer.text
    assert all(option in answer.out for option in options if option.startswith("--"))


def test_what_it_says_a_person_is_told_is_there(cli: Cli) -> None:
    """Names of outputs and roles that the guide sends a person to."""
    text = " ".join(GUIDE.split())
    for name in ("`baseline_pipelines`", "`labels/<model>`", "`<blueprint>-shared-cdup<environment>`"):
        assert name in text
    blueprint = ROOT / "blueprints" / "aws.yaml"
    answer = cli("plan", "--blueprint", str(blueprint), "--environment", "prod", "--format", "json")
    assert "flights-shared-cdupprod" in answer.out
    assert "baseline_pipelines" in answer.out
