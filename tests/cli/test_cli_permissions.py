"""`permissions`: the policies of a deployer, printed or written."""

from __future__ import annotations

import json
from pathlib import Path

from cli_runner import Cli

from mlops_stacks.blueprint.delivery_lock import Delivered, DeliveryLock, write_delivery_lock
from mlops_stacks.blueprint.release_lock import Released, ReleaseLock, write_lock

pytest_plugins = ["cli_fixtures"]

AWS = """\
schema_version: 1
name: shop
platform: aws
environments:
  dev: {target: {account: "111111111111", region: eu-west-1}}
stages: [foundation, model_registry]
models: {price: {}}
"""
BLUEPRINTS = Path(__file__).parents[2] / "blueprints"
MOMENT = "2026-02-01T00:00:00Z"
DELIVERED = Delivered(
    version=5,
    commit="a" * 40,
    wheel="flight_delay-1.0.0-py3-none-any.whl",
    sha256="b" * 64,
    image=f"111111111111.dkr.ecr.eu-west-1.amazonaws.com/flights-shared-images@sha256:{'c' * 64}",
    delivered_by="anna",
    delivered_at=MOMENT,
)


def test_policies_are_printed_by_scope_and_account(cli: Cli) -> None:
    cli.write(AWS)
    found = json.loads(cli("permissions").out)
    assert [(each["scope"], each["account"]) for each in found] == [("shared", "111111111111"), ("dev", "111111111111")]
    actions = {a for each in found for policy in each["policies"] for s in policy["Statement"] for a in s["Action"]}
    assert {"s3:CreateBucket", "sagemaker:CreateModelPackageGroup", "kms:CreateKey"} <= actions
    assert not any("*" in action for action in actions)


def test_policies_are_written_to_files(cli: Cli) -> None:
    cli.write(AWS)
    answer = cli("permissions", "--to", "policies")
    assert answer.code == 0
    files = sorted(path.name for path in (cli.folder / "policies").iterdir())
    assert files == ["dev-111111111111-1.json", "shared-111111111111-1.json"]
    assert json.loads((cli.folder / "policies" / files[0]).read_text())["Version"] == "2012-10-17"


def test_the_first_up_needs_no_other_policies_than_the_next_ones(cli: Cli) -> None:
    """Locks change with each delivery and release; what the deployer is allowed must not have to."""
    blueprint = cli.write((BLUEPRINTS / "aws.yaml").read_text(), "blueprints/aws.yaml")
    first = cli("permissions", "--environment", "dev", "--blueprint", str(blueprint))
    release = Released(version=7, approved_by="anna", released_at=MOMENT)
    write_lock(blueprint.parent, "flights", "dev", ReleaseLock(models={"delay": release}))
    write_delivery_lock(blueprint.parent, "flights", "dev", DeliveryLock(delivered=DELIVERED))
    assert cli("permissions", "--environment", "dev", "--blueprint", str(blueprint)).out == first.out
    found = (
        action
        for each in json.loads(first.out)
        for document in each["policies"]
        for statement in document["Statement"]
        for action in statement["Action"]
        if each["scope"] == "dev"
    )
    assert {
        "sagemaker:CreatePipeline",
        "sagemaker:CreateModel",
        "sagemaker:CreateEndpoint",
        "sagemaker:CreateMonitoringSchedule",
        "scheduler:CreateSchedule",
    } <= set(found)


def test_a_blueprint_without_aws_has_none(cli: Cli) -> None:
    cli.write()
    answer = cli("permissions")
    assert answer.code == 1
    assert "nothing on AWS" in answer.err
