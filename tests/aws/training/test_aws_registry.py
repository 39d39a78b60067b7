"""SageMaker's model registry, in the emulator: what the register step writes, and what people decide."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from aws.conftest import REGION
from aws.shapes import check_request

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from runtime_helpers import step_settings_document, write_document

from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.registry import UnknownVersionError, open_registry
from mlops_stacks.runtime.registry_sagemaker import PackagedModel, SageMakerRegistry, _request, metadata
from mlops_stacks.runtime.step import run_step

GROUP, BUCKET = "demo-shared-things", "demo-dev-artifacts-123456789012"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/demo-shared-images@sha256:{'a' * 64}"
STEPS = ("extract", "validate", "prepare", "train", "evaluate", "validate_model", "register")


def clients() -> tuple[Any, Any]:
    import botocore.session

    session = botocore.session.get_session()
    return session.create_client("s3", region_name=REGION), session.create_client("sagemaker", region_name=REGION)


@pytest.fixture
def place(emulator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Any, Any]:
    """An empty bucket and an empty group."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.chdir(tmp_path)
    s3, sagemaker = clients()
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    return s3, sagemaker


def settings_on_s3(s3: Any, **changes: Any) -> str:
    document = step_settings_document(registry_uri=f"sagemaker://{REGION}", registered_model=GROUP, **changes)
    s3.put_object(Bucket=BUCKET, Key="settings/things.json", Body=json.dumps(document).encode())
    return f"s3://{BUCKET}/settings/things.json"


def whole_run(s3: Any, run: str, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> str:
    monkeypatch.setenv(lineage.IMAGE_VARIABLE, IMAGE)
    settings, folder = settings_on_s3(s3, **changes), f"s3://{BUCKET}/runs/things/{run}"
    for step in STEPS:
        assert run_step(step, settings, folder) == 0, step
    return folder


@pytest.mark.slow
def test_a_run_on_s3_ends_in_a_version_with_its_lineage(
    place: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, sagemaker = place
    folder = whole_run(s3, "exec1", monkeypatch)
    (summary,) = sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
    version = sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
    assert version["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = version["InferenceSpecification"]["Containers"]
    assert container["Image"] == IMAGE
    assert container["ModelDataUrl"] == f"{folder}/model.tar.gz"
    assert version["MetadataProperties"]["GeneratedBy"] == "exec1"
    said = version["CustomerMetadataProperties"]
    assert said[lineage.DATASET_VERSION].startswith("sha256:")
    assert said["parameter.shift"] == "0.0"
    assert float(said["metric.accuracy"]) > 0.7
    archive = s3.get_object(Bucket=BUCKET, Key="runs/things/exec1/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert "MLmodel" in tar.getnames()

    # Repeating the last step makes no second version; the next run compares its data with this one's.
    assert run_step("register", f"s3://{BUCKET}/settings/things.json", folder) == 0
    assert len(sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]) == 1
    settings = f"s3://{BUCKET}/settings/things.json"
    second = f"s3://{BUCKET}/runs/things/exec2"
    assert run_step("extract", settings, second) == 0
    assert run_step("validate", settings, second) == 0
    report = json.loads(s3.get_object(Bucket=BUCKET, Key="runs/things/exec2/validation.json")["Body"].read())
    assert report["against_version"] == "1"


TAGS = {
    lineage.PIPELINE_RUN: "run1",
    lineage.BLUEPRINT: "demo",
    lineage.ENVIRONMENT: "dev",
    lineage.DATASET_VERSION: "sha256:1",
    lineage.COMMIT: "none",
    lineage.APPROVAL: "pending",
    "metric.auc": "0.71",
}
PACKAGED = PackagedModel("s3://bucket/model.tar.gz", IMAGE, "s3://bucket/evaluation.json", "{}")


def registered(runs: int = 2) -> SageMakerRegistry:
    registry = open_registry(None, f"sagemaker://{REGION}")
    assert isinstance(registry, SageMakerRegistry)
    for number in range(1, runs + 1):
        version = registry.register(GROUP, PACKAGED, {**TAGS, lineage.PIPELINE_RUN: f"run{number}"})
        assert version == str(number)
    return registry


def test_a_person_approves_rejects_and_releases(place: tuple[Any, Any]) -> None:
    registry = registered()
    assert registry.latest_approved(GROUP) is None
    registry.approve(GROUP, "1", "anna")
    assert registry.latest_approved(GROUP) == "1"
    registry.released(GROUP, "1")
    first = registry.version(GROUP, "1")
    assert (first.tags[lineage.APPROVAL], first.tags[lineage.APPROVED_BY]) == ("approved", "anna")
    assert first.tags[lineage.STAGE] == "Production"
    registry.approve(GROUP, "2", "ben")
    registry.released(GROUP, "2")
    assert [v.tags[lineage.STAGE] for v in registry.versions(GROUP)] == ["Production", "Archived"]
    registry.reject(GROUP, "2", "too slow")
    second = registry.version(GROUP, "2")
    assert (second.tags[lineage.APPROVAL], second.tags["rejected_because"]) == ("rejected", "too slow")
    assert registry.latest_approved(GROUP) == "1"
    assert registry.metrics(GROUP, "2") == {"auc": 0.71}


def test_a_version_that_is_not_there_is_named_with_those_that_are(place: tuple[Any, Any]) -> None:
    registry = registered()
    with pytest.raises(UnknownVersionError, match=r"has no version 7 \(it has: 2, 1\)"):
        registry.version(GROUP, "7")


def test_the_commands_see_the_registry_through_the_same_eyes(place: tuple[Any, Any]) -> None:
    from mlops_stacks.operations.registry import ModelRegistry

    registered().approve(GROUP, "2", "anna")
    seen = ModelRegistry(f"sagemaker://{REGION}", None, {"things": GROUP})
    assert [(v.number, v.approval) for v in seen.versions("things")] == [(2, "approved"), (1, "pending")]
    assert seen.version("things", 2).approved_by == "anna"
    assert seen.version("things", 1).metrics == {"auc": 0.71}


def test_many_parameters_leave_room_for_decisions() -> None:
    tags = {**TAGS, **{f"parameter.p{n:03}": "é" * 400 for n in range(100)}, "metric.x": "1"}
    kept = metadata(tags)
    assert len(kept) == 47
    assert {lineage.COMMIT, "metric.x", "metric.auc"} <= set(kept)
    assert max(map(len, kept.values())) == 256


def test_the_request_is_one_that_sagemaker_takes() -> None:
    arn = f"arn:aws:sagemaker:{REGION}:123456789012:model-package-group/{GROUP}"
    assert check_request("sagemaker", "CreateModelPackage", _request(arn, PACKAGED, TAGS, "Pipeline run run1")) == []


def test_without_an_image_the_step_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(lineage.IMAGE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    settings = write_document(tmp_path / "settings.json", step_settings_document())
    run = (tmp_path / "run").as_uri()
    for step in STEPS[:-1]:
        assert run_step(step, settings, run) == 0
    packaged = step_settings_document(registry_uri=f"sagemaker://{REGION}", registered_model=GROUP)
    assert run_step("register", write_document(tmp_path / "packaged.json", packaged), run) == 2
    assert "deliver an image, and run `up`" in capsys.readouterr().err
