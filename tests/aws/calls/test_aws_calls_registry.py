"""What steps and verbs of the registry were recorded calling, held against what registry and foundation grant."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from call_accounts import PlannedAccount
from call_emulation import make
from call_needs import needs_of
from call_policies import Need, missing, unused
from call_programs import PLACED, planned
from call_recorder import recorded

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from runtime_helpers import step_settings_document

from mlops_components.foundation.aws.foundation import AwsFoundation
from mlops_components.grants import AwsGrant
from mlops_components.model_registry.sagemaker import SageMakerModelRegistry
from mlops_components.naming import content_hash
from mlops_components.spec.pipeline import STEPS
from mlops_stacks.runtime import lineage
from mlops_stacks.runtime.registry import open_registry
from mlops_stacks.runtime.step import run_step

IMAGE = f"{PLACED['account_id']}.dkr.ecr.{PLACED['region']}.amazonaws.com/shop@sha256:{'0' * 64}"
BUCKET = f"shop-dev-artifacts-{PLACED['account_id']}"
GROUP = "shop-dev-things"
"""SageMaker takes a group's ARN as well; the emulator knows the name only."""


def build(options: Any) -> Mapping[str, list[AwsGrant]]:
    foundation = AwsFoundation("foundation", {"placement": PLACED}, options)
    registry = SageMakerModelRegistry("registry", {"placement": PLACED, "models": ["things", "others"]}, options)
    return {
        "steps": [
            *foundation.grant_artifacts_read("settings"),
            *foundation.grant_artifacts_write("runs/things"),
            *registry.grant_register("things"),
        ],
        "approver": registry.grant_review("things"),
        "reader": registry.grant_deploy("things"),
    }


@pytest.fixture
def account(emulator: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PlannedAccount:
    """An emulated account with what the plan makes in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(lineage.IMAGE_VARIABLE, IMAGE)
    made = planned(build)
    make(made)
    return made


def put_settings(account: PlannedAccount, **changes: Any) -> str:
    """Write the steps' settings where `up` would; returns their URI."""
    document = step_settings_document(registry_uri=f"sagemaker://{PLACED['region']}", registered_model=GROUP, **changes)
    key = f"settings/things-{content_hash(document)}.json"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())
    return f"s3://{BUCKET}/{key}"


def run_steps(settings: str, run: str, steps: Sequence[str] = STEPS) -> None:
    """The steps, each ending well."""
    for step in steps:
        assert run_step(step, settings, f"s3://{BUCKET}/runs/things/{run}") == 0, step


def test_the_steps_may_do_what_they_do_and_no_more(account: PlannedAccount) -> None:
    """Two runs, the second of which tries a step again and is compared with the version of the first."""
    first, second = put_settings(account), put_settings(account, serving_version="1")
    with recorded() as calls:
        run_steps(first, "first")
        run_steps(second, "second", ["extract", "validate", "prepare", "train", "train", "evaluate", "validate_model"])
    policy, needs = account.roles["dev", "steps"].policy, needs_of(calls, account.place("dev"))
    assert {need.action for need in needs} >= {"sagemaker:CreateModelPackage", "s3:PutObject", "kms:GenerateDataKey"}
    assert missing(policy, needs) == []
    assert {one.action for one in unused(policy, needs)} == {
        # s3fs breaks off an upload in parts, of models beyond 100 MB, that failed in the middle.
        "s3:AbortMultipartUpload",
    }


def test_whoever_approves_may_do_that_and_no_more(account: PlannedAccount) -> None:
    run_steps(put_settings(account), "first")
    with recorded() as calls:
        registry = open_registry(None, f"sagemaker://{PLACED['region']}")
        registry.versions(GROUP)
        registry.approve(GROUP, "1", "anna")
        registry.released(GROUP, "1")
        registry.reject(GROUP, "1", "it drifted")
    needs = needs_of(calls, account.place("dev"))
    assert {need.action for need in needs} == {
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListModelPackages",
        "sagemaker:UpdateModelPackage",
    }
    policy = account.roles["dev", "approver"].policy
    assert missing(policy, needs) == []
    assert unused(policy, needs) == []


def test_whoever_deploys_may_look_at_versions_and_not_decide(account: PlannedAccount) -> None:
    run_steps(put_settings(account), "first")
    with recorded() as calls:
        registry = open_registry(None, f"sagemaker://{PLACED['region']}")
        registry.latest_approved(GROUP)
        registry.version(GROUP, "1")
    policy, needs = account.roles["dev", "reader"].policy, needs_of(calls, account.place("dev"))
    assert missing(policy, needs) == []
    assert unused(policy, needs) == []
    with recorded() as deciding:
        open_registry(None, f"sagemaker://{PLACED['region']}").approve(GROUP, "1", "nobody")
    refused = missing(policy, needs_of(deciding, account.place("dev")))
    assert [need.action for need in refused] == ["sagemaker:UpdateModelPackage"]


def test_another_model_is_out_of_reach(account: PlannedAccount) -> None:
    others = [
        Need("sagemaker:CreateModelPackage", account.place("dev").arn("sagemaker", "model-package/shop-dev-others/1")),
        Need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/runs/others/first/model.tar.gz"),
        Need("s3:PutObject", f"arn:aws:s3:::{BUCKET}/settings/things-0123456789.json"),
        Need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
        Need("kms:Decrypt", account.place("dev").bucket_keys[BUCKET]),
    ]
    assert missing(account.roles["dev", "steps"].policy, others) == others
