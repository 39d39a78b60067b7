"""A pipeline version that is delivered to staging really runs there, and its rollback really runs the one before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery_helpers import commit, document, git, tiny_repository

from mlops_components.spec.marked import end, marked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


class Delivered:
    """A blueprint on disk, driven by its commands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.copy = tiny_repository(root / "working-copy")
        (root / "blueprint.yaml").write_text(yaml.safe_dump(document(), sort_keys=False))

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run a command of `mlops-stacks`; returns all that it said."""
        ended = subprocess.run(
            [sys.executable, "-m", "mlops_stacks.cli.main", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "COLUMNS": "200"},
        )
        said = ended.stdout + ended.stderr
        assert ended.returncode == code, said
        return said

    def push(self, metric: str) -> str:
        """Push a commit whose evaluation reports another metric; returns the commit."""
        source = self.copy / "tiny_workload.py"
        source.write_text(source.read_text().replace('{"accuracy": float', f'{{"{metric}": float'))
        pushed = commit(self.copy, metric) if metric != "accuracy" else git_head(self.copy)
        git("push", str(self.home / "shared" / "ci" / "repository.git"), "HEAD:main", folder=self.copy)
        return pushed

    @property
    def home(self) -> Path:
        """Where everything is."""
        return self.root / ".mlops-stacks" / "tiny"

    def run(self, environment: str) -> tuple[list[str], dict[str, str]]:
        """Run the pipeline; returns the names of its metrics, and the lineage of what it made."""
        self.command("run", "things", "--environment", environment)
        runs = (self.home / environment / "artifacts" / "runs" / "things").glob("*/lineage.json")
        latest = max(runs, key=lambda path: path.parent.name).parent
        metrics = json.loads((latest / "evaluation.json").read_text())["overall"]
        return sorted(metrics), json.loads((latest / "lineage.json").read_text())

    def holds(self, environment: str) -> tuple[str, str, str]:
        """Package and commit that the steps of an environment are told of, and the metric that its code reports."""
        pipelines = self.home / environment / "pipelines"
        told = [json.loads(file.read_text()) for file in pipelines.rglob("*.json")]
        (settings,) = [each for each in told if "workload" in each]
        code = (Path(settings["workload"]["path"]) / "tiny_workload.py").read_text()
        (metric,) = [name for name in ("accuracy", "precision") if f'{{"{name}": float' in code]
        return settings["workload"]["package"], settings["workload"]["commit"], metric


def git_head(folder: Path) -> str:
    return git("rev-parse", "HEAD", folder=folder).stdout.strip()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Delivered]:
    made = Delivered(tmp_path)
    yield made
    made.command("destroy", "--yes")
    assert end(marked(lambda value: value.startswith(str(tmp_path)))) == []


def test_a_delivered_version_runs_and_its_rollback_runs_the_one_before(platform: Delivered) -> None:
    platform.command("up")
    first = platform.push("accuracy")
    assert "staging takes only what dev runs" in platform.command("deliver", "1", "-e", "staging", "--approve", code=1)
    platform.command("deliver", "1", "-e", "dev")
    assert "takes only packages that somebody approves" in platform.command("deliver", "1", "-e", "staging", code=1)
    assert "prod takes only what staging runs" in platform.command("deliver", "1", "-e", "prod", "--approve", code=1)
    platform.command("deliver", "1", "-e", "staging", "--approve")
    lock = _lock(platform, "staging")
    assert lock["delivered"]["approved_by"] == lock["delivered"]["delivered_by"]
    assert lock["delivered"]["approved_at"].endswith("Z")
    assert "takes only packages that somebody approves" in platform.command("deliver", "1", "-e", "prod", code=1)
    platform.command("deliver", "1", "-e", "prod", "--approve")
    reached = _lock(platform, "prod")["delivered"]
    assert (reached["version"], reached["commit"], reached["sha256"]) == (1, first, lock["delivered"]["sha256"])
    assert reached["approved_by"] == reached["delivered_by"] != ""
    platform.command("up")
    assert platform.holds("prod") == ("1", first, "accuracy")

    # The working copy goes on; what was delivered does not.
    second = platform.push("precision")
    metrics, lineage = platform.run("staging")
    assert (metrics, lineage["mlops_stacks.commit"], lineage["mlops_stacks.package"]) == (["accuracy"], first, "1")

    platform.command("deliver", "2", "-e", "dev")
    platform.command("deliver", "2", "-e", "staging", "--approve")
    platform.command("up")
    metrics, lineage = platform.run("staging")
    assert (metrics, lineage["mlops_stacks.commit"], lineage["mlops_stacks.package"]) == (["precision"], second, "2")
    assert platform.holds("prod") == ("1", first, "accuracy"), "prod takes nothing that is not delivered to it"

    assert "from package 2 to package 1" in platform.command("withdraw", "-e", "staging", "--reason", "worse")
    platform.command("up")
    metrics, lineage = platform.run("staging")
    assert (metrics, lineage["mlops_stacks.commit"], lineage["mlops_stacks.package"]) == (["accuracy"], first, "1")
    assert "was taken back from staging" in platform.command("deliver", "2", "-e", "staging", "--approve", code=1)
    assert _lock(platform, "staging")["withdrawn"][0]["reason"] == "worse"
    shown = json.loads(platform.command("packages", "--json"))
    assert [package["version"] for package in shown["packages"]] == [2, 1]
    assert shown["deliveries"]["dev"]["delivered"]["version"] == 2
    assert "prod takes only what staging runs" in platform.command("deliver", "2", "-e", "prod", "--approve", code=1)
    assert platform.holds("dev") == ("2", second, "precision")
    assert platform.holds("prod") == ("1", first, "accuracy")
    assert "unchanged" in platform.command("up")


def _lock(platform: Delivered, environment: str) -> Any:
    return yaml.safe_load((platform.root / "deliveries" / "tiny" / f"{environment}.yaml").read_text())
