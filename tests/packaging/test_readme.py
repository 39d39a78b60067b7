"""What the README says is so: generated parts, commands, links, exit codes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging_parts import LEVELS, PROOFS, README, ROOT, ready, written

from mlops_stacks.cli.exits import ExitCode

TEXT = README.read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
LATER = ("run.py quickstart", "run.py test", "destroy")
"""Run by tests of their own, from a fresh clone."""


@pytest.mark.golden
def test_the_generated_parts_are_current() -> None:
    if os.environ.get("MLOPS_STACKS_GOLDEN") == "rewrite":
        README.write_text(written(), encoding="utf-8")
    assert README.read_text(encoding="utf-8") == written(), "write them anew with `python3 run.py golden`"


def test_every_component_has_a_proof_and_every_proof_a_component_and_a_test() -> None:
    claimed = {(platform, stage) for platform, stages in PROOFS.items() for stage in stages}
    assert claimed == ready()
    for stages in PROOFS.values():
        for entry in stages.values():
            assert entry["level"] in LEVELS
            assert (ROOT / entry["test"]).is_file()
            assert ("by" in entry) is (entry["level"] == "accepted")


def test_the_smallest_blueprint_has_ten_lines() -> None:
    assert len((ROOT / "blueprints" / "minimal.yaml").read_text().splitlines()) == 10


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.endswith(LATER) and "destroy" not in c])
def test_each_command_does_what_it_says(command: str) -> None:
    arguments = shlex.split(command)
    assert arguments[0] == "mlops-stacks"
    done = subprocess.run(
        [sys.executable, "-m", "mlops_stacks.cli.main", *arguments[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_every_exit_code_is_documented() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)} == {code.value for code in ExitCode}


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "python3 run.py test" in COMMANDS
    assert '"$python" run.py test' in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "blueprints").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_blueprint_is_planned_without_an_error(file: Path) -> None:
    from mlops_stacks.operations.opening import open_project
    from mlops_stacks.operations.planning import plan

    assert yaml.safe_load(file.read_text())["schema_version"] == 1
    assert plan(open_project(file, ROOT, releases=False)).errors == ()
