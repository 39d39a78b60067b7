"""A key is named for the volumes of machines that take one, and for no machine that has disks of its own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws.monitoring.test_aws_monitoring_component import EVERYTHING, planned, watched
from aws.serving.test_aws_sagemaker_serving import KEY, batch, configuration, served, serving

from mlops_components.spec.training_machines import takes_volume_key
from mlops_stacks.blueprint.aws_rules.instances import Use, instance_types

pytest_plugins = ["components.aws_plans"]

Plans = Callable[..., Any]
_EMULATOR = Path(__file__).parents[3] / ".venvs" / "aws-emulator"

KEYED, KEYLESS = "ml.inf2.xlarge", "ml.g5.xlarge"
BOTH = pytest.mark.parametrize(("machine", "keyed"), [(KEYED, True), (KEYLESS, False), ("ml.g7e.2xlarge", False)])


@pytest.mark.parametrize("family", ["c5", "c7i-flex", "inf1", "inf2", "m5", "p2", "p3", "r6i", "t3"])
def test_machines_without_disks_take_a_key(family: str) -> None:
    assert takes_volume_key(f"ml.{family}.xlarge")


@pytest.mark.parametrize(
    "family",
    ["c6gd", "dl1", "g4dn", "g5", "g6e", "g7", "m5d", "p3dn", "p4de", "p5en", "p6-b200", "p6e-gb200", "r7gd", "trn1n"],
)
def test_machines_with_disks_take_none(family: str) -> None:
    assert not takes_volume_key(f"ml.{family}.24xlarge")


def test_ec2_says_the_same_of_each_machine() -> None:
    """The emulator brings EC2's own answer of `DescribeInstanceTypes` along."""
    tables = list(_EMULATOR.glob("lib/*/site-packages/moto/ec2/resources/instance_types.json.gz"))
    if not tables:
        pytest.skip("no emulator in .venvs/aws-emulator; `python3 run.py` installs it there")
    known = json.loads(gzip.decompress(tables[0].read_bytes()))
    machines = {machine for use in Use for machine in instance_types(use) if machine[3:] in known}
    assert len(machines) > 300
    differing = [each for each in machines if takes_volume_key(each) is known[each[3:]]["InstanceStorageSupported"]]
    assert differing == []


@BOTH
def test_endpoints(machine: str, keyed: bool, plan_aws: Plans, place: Plans) -> None:
    capture = {"uri": "s3://shop-dev-capture/delay", "sample_percent": 10.0}
    model = served(instance_type=machine, capture=capture)
    asked = configuration(serving(plan_aws, place, {"delay": model}, key_arn=KEY))
    assert asked.get("KmsKeyId") == (KEY if keyed else None)
    # What is captured lies in S3, whatever the machine.
    assert asked["DataCaptureConfig"]["KmsKeyId"] == KEY


@BOTH
def test_batch_jobs(machine: str, keyed: bool, plan_aws: Plans, place: Plans) -> None:
    model = served(realtime=False, batch=batch(instance_type=machine))
    plan = serving(plan_aws, place, {"delay": model}, key_arn=KEY)
    started = json.loads(plan.resource("serving-delay-batch-schedule").inputs["target"]["input"])
    assert started["TransformResources"].get("VolumeKmsKeyId") == (KEY if keyed else None)
    assert started["TransformOutput"]["KmsKeyId"] == KEY


@BOTH
def test_monitors_and_baselines(machine: str, keyed: bool, plan_aws: Plans, place: Plans) -> None:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)}, key_arn=KEY, instance_type=machine)
    expected = KEY if keyed else None
    jobs = [each for each in plan.custom() if each.type.startswith("aws-native:")]
    clusters = [each.inputs["jobResources"]["clusterConfig"] for each in jobs]
    assert [each.get("volumeKmsKeyId") for each in clusters] == [expected] * 4
    steps = json.loads(plan.resource("monitoring-delay-baseline").inputs["pipelineDefinition"])["Steps"]
    made = [step["Arguments"]["ProcessingResources"]["ClusterConfig"] for step in steps]
    assert [each.get("VolumeKmsKeyId") for each in made] == [expected] * 5
