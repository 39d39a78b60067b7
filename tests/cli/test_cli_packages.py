"""`packages`, `deliver` and `up` of a store of packages on this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_runner import Cli

from mlops_stacks.executors.names import StackIdentity
from mlops_stacks.executors.protocol import DestroyResult, UpResult
from mlops_stacks.operations import deploying
from mlops_stacks.runtime.delivery.records import Package

pytest_plugins = ["cli_fixtures"]

BLUEPRINT = """\
schema_version: 1
name: shop
platform: local
lifecycle: delete
environments: {dev: {}}
stages: [foundation, experiment_tracking, model_registry, training_pipeline, continuous_integration, pipeline_delivery]
workload: {entry_point: "shop.workload:workload"}
models: {demand: {}}
"""


class Store:
    """An executor whose shared scope keeps packages in a folder."""

    def __init__(self, root: Path) -> None:
        self.packages, self.builds = root / "packages", root / "builds"
        places = {"packages": str(self.packages), "builds": str(self.builds), "branch": "main"}
        places["repository"] = str(root / "code.git")
        self._exports = {"continuous_integration": places, "pipeline_delivery": {"packages": str(self.packages)}}

    def package(self, sha256: str) -> None:
        """Have package 1."""
        made = Package(1, "shop", "c" * 40, "main", "2026-03-01", None, "shop-1.whl", sha256, None, {}, "s")
        self._write(self.packages / "1" / "package.json", asdict(made))

    def failed_build(self, number: int) -> None:
        """Have a build whose tests failed."""
        tests = {"tests": 5, "failures": 2, "skipped": 0, "seconds": 1.0}
        words = {"state": "failed", "part": "tests", "error": "the tests failed (exit code 1).", "tests": tests}
        record = {"number": number, "commit": "d" * 40, "started": "2026-03-02T10:00", **words}
        self._write(self.builds / str(number) / "build.json", record)

    def _write(self, path: Path, document: Any) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(document))

    def up(self, program: object, identity: StackIdentity) -> UpResult:
        """Do nothing."""
        return UpResult(dict(self.outputs(identity.stack)), (), (), (), (), ())

    def refuse_protected(self, identity: StackIdentity) -> None:
        """Nothing is."""

    def destroy(self, identity: StackIdentity) -> DestroyResult:
        """Remove the packages with the shared scope."""
        if identity.stack == "shop-shared":
            shutil.rmtree(self.packages)
        return DestroyResult((), ())

    def outputs(self, stack: str) -> Mapping[str, Any]:
        """What a stack exports."""
        return self._exports if stack == "shop-shared" else {}


@pytest.fixture
def store(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Package 1, and a second build that failed."""
    cli.write(BLUEPRINT)
    made = Store(tmp_path)
    made.package("a" * 64)
    made.failed_build(2)
    monkeypatch.setattr(deploying, "executor_for", lambda *arguments: made)
    return made


def lock(cli: Cli) -> Path:
    return cli.folder / "deliveries" / "shop" / "dev.yaml"


def test_a_package_that_its_build_did_not_make(cli: Cli, store: Store) -> None:
    answer = cli("deliver", "2")
    assert answer.code == 1
    assert "there is no package 2 (there is 1); build 2 failed in tests: the tests failed" in answer.err
    assert "; build" not in cli("deliver", "3").err
    assert cli("deliver", "abc").code == 2
    assert "`abc` is no package: write its number" in cli("deliver", "abc").err


def test_builds_are_listed_with_their_tests_and_where_to_push(cli: Cli, store: Store, tmp_path: Path) -> None:
    answer = cli("packages")
    assert f"The repository of CI 1: {tmp_path / 'code.git'}" in answer.err
    assert "5, 2 failed" in answer.out
    assert json.loads(cli("packages", "--json").out)["repository"] == str(tmp_path / "code.git")


@pytest.mark.parametrize("another", [False, True])
def test_up_goes_on_without_a_package_that_is_gone(cli: Cli, store: Store, another: bool) -> None:
    assert cli("deliver", "1").code == 0
    assert "Warning" not in cli("up").err
    shutil.rmtree(store.packages)
    if another:
        store.package("b" * 64)
    answer = cli("up")
    assert answer.code == 0, answer.text
    assert "dev runs the workload's own folder: package 1 of commit cccccccccccc" in answer.err
    assert cli("withdraw", "--reason", "it is gone").code == 0
    assert "Warning" not in cli("up").err


def test_delivery_locks_go_with_the_packages(cli: Cli, store: Store) -> None:
    cli("deliver", "1")
    assert yaml.safe_load(lock(cli).read_text())["delivered"]["version"] == 1
    cli("destroy", "--yes", "-e", "dev")
    assert lock(cli).exists()
    answer = cli("destroy", "--yes")
    assert "dev.yaml was removed: the packages are gone" in answer.err
    assert not lock(cli).parents[1].exists()
