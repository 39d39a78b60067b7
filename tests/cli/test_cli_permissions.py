"""`permissions`: the policies of a deployer, printed or written."""

from __future__ import annotations

import json

from cli_runner import Cli

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


def test_a_blueprint_without_aws_has_none(cli: Cli) -> None:
    cli.write()
    answer = cli("permissions")
    assert answer.code == 1
    assert "nothing on AWS" in answer.err
