"""Packages with an image are delivered, and approved versions promoted, from environment to environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import delivery_plans as plans
import pytest
from projects import project_of

from mlops_stacks.blueprint.delivery_lock import read_delivery_lock
from mlops_stacks.blueprint.release_lock import read_lock
from mlops_stacks.operations import packages, promoting, releasing
from mlops_stacks.operations.registry import Version
from mlops_stacks.operations.releasing import ReleaseError
from mlops_stacks.runtime.delivery.records import Package
from mlops_stacks.runtime.delivery.stores import S3Store
from mlops_stacks.runtime.delivery.trial import try_models

IMAGE = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/flights-shared-images@sha256:"


def _project(root: Path, **more: Any) -> Any:
    return project_of(plans.delivery_document(**more), root)


def _executor(uri: str = "") -> Any:
    return SimpleNamespace(outputs=lambda stack: {"pipeline_delivery": {"packages": uri}})


@pytest.fixture
def store(emulator: str) -> str:
    boto3.client("s3").create_bucket(
        Bucket="packages", CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_REGION"]}
    )
    uri = "s3://packages/packages"
    for digit in "12":
        digest = digit * 64

        def package(version: int, digest: str = digest) -> Package:
            return Package(
                version,
                "flights",
                "c",
                "main",
                "2026-11-21",
                None,
                "a-1-py3-none-any.whl",
                digest,
                None,
                {},
                "s",
                IMAGE + digest,
            )

        S3Store(uri).add(package, {"a-1-py3-none-any.whl": b"wheel"})
    return uri


def test_a_package_takes_its_image_along(store: str, tmp_path: Path) -> None:
    project, executor = _project(tmp_path), _executor(store)
    assert [each.version for each in packages.packages_of(project, executor)] == [2, 1]
    assert packages.deliver(project, executor, 1, "dev", approve=False).changed
    delivered = read_delivery_lock(tmp_path, "flights", "dev").delivered
    assert delivered is not None
    assert delivered.image == IMAGE + "1" * 64
    with pytest.raises(packages.DeliveryError, match="takes only what dev runs"):
        packages.deliver(project, executor, 2, "prod", approve=True)
    with pytest.raises(packages.DeliveryError, match="somebody approves"):
        packages.deliver(project, executor, 1, "prod", approve=False)
    assert packages.deliver(project, executor, 1, "prod", approve=True).changed
    assert packages.withdraw(project, "dev", "too slow").version is None


class FakeRegistry:
    """Versions of one model."""

    names: Mapping[str, str] = {"flight_delay": "flight_delay"}

    def __init__(self, *approvals: str) -> None:
        one = Version(1, "", "ana", "", "", "", {}, {})
        self._versions = [replace(one, number=n + 1, approval=approval) for n, approval in enumerate(approvals)]
        self.in_production: list[str] = []

    def name(self, model: str) -> str:
        return model

    def versions(self, _model: str) -> list[Version]:
        return self._versions[::-1]

    def version(self, _model: str, number: int) -> Version:
        return self._versions[number - 1]

    def writable(self) -> Any:
        return SimpleNamespace(released=lambda _name, number: self.in_production.append(number))


def _with_registry(monkeypatch: pytest.MonkeyPatch, *approvals: str) -> FakeRegistry:
    registry = FakeRegistry(*approvals)
    for module in (promoting, releasing):
        monkeypatch.setattr(module, "registry_of", lambda project, executor: registry)
    return registry


def test_versions_go_from_environment_to_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = _with_registry(monkeypatch, "approved", "approved", "pending")
    project = _project(tmp_path)
    assert promoting.due(project, _executor(), "prod") == {}
    assert promoting.promote(project, _executor(), "dev")["flight_delay"].version == 2
    assert promoting.due(project, _executor(), "prod") == {"flight_delay": 2}
    done = promoting.promote(project, _executor(), "prod", promoting.from_words("flight_delay=2"))
    assert done["flight_delay"].changed
    assert read_lock(tmp_path, "flights", "prod").models["flight_delay"].version == 2
    assert registry.in_production == ["2"]


def test_nothing_approved_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _with_registry(monkeypatch, "pending")
    assert promoting.promote(_project(tmp_path), _executor(), "dev") == {}
    assert not (tmp_path / "releases").exists()


def test_a_model_of_another_release_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _with_registry(monkeypatch, "approved")
    with pytest.raises(ReleaseError, match="does not follow approvals of `price`"):
        promoting.promote(_project(tmp_path), _executor(), "dev", {"price": 1})


def test_versions_are_said_in_one_word_each() -> None:
    assert promoting.from_words(promoting.as_words({"a": 1, "b": 22})) == {"a": 1, "b": 22}
    assert promoting.from_words(promoting.as_words({})) == {}
    with pytest.raises(ReleaseError, match="`a` names no version"):
        promoting.from_words("a")


@pytest.mark.slow
def test_smoke_models_are_trained_with_the_installed_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As inside the image: the code is on the import path, the settings are those that the plan renders."""
    tiny = Path(__file__).parents[2] / "runtime"
    monkeypatch.setenv("PYTHONPATH", str(tiny))
    document = plans.delivery_document({"smoke_parameters": {"rows": 60}})
    document["workload"]["entry_point"] = "tiny_workload:workload"
    document["models"] = {"things": {"parameters": {"rows": 120}, "release": "latest_approved"}}
    told = json.loads(plans.resource(plans.shared_scope(document), "continuous-integration-settings").inputs["content"])
    (tmp_path / "settings.json").write_text(json.dumps({**told, "builds": str(tmp_path / "builds")}))
    metrics = try_models(f"file://{tmp_path / 'settings.json'}", tmp_path / "smoke.json")
    assert set(metrics) == {"things"}
    assert json.loads((tmp_path / "smoke.json").read_text()) == metrics
