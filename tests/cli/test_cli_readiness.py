"""`bootstrap` and `preflight`: what they find, and that they ask nobody."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from cli_runner import MINIMAL, Cli

from mlops_stacks.operations import preflight

pytest_plugins = ["cli_fixtures"]

AWS = """\
schema_version: 1
name: shop
platform: aws
environments:
  dev: {target: {account: "111111111111", region: eu-west-1}}
  prod: {target: {account: "222222222222", region: eu-west-1, role: "arn:aws:iam::222222222222:role/deployer"}}
stages: [foundation]
"""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection fails the test."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError(f"a connection to {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def _checks(cli: Cli, *arguments: str) -> dict[str, str]:
    found = json.loads(cli("preflight", "--json", *arguments).out)
    return {check["name"]: check["outcome"] for check in found}


def test_a_local_blueprint_needs_no_bootstrap(cli: Cli) -> None:
    cli.write()
    assert "Nothing is needed" in cli("bootstrap").out


@pytest.mark.usefixtures("no_network")
def test_bootstrap_on_aws_names_backend_secrets_and_each_deployer(cli: Cli) -> None:
    pytest.importorskip("pulumi_aws")
    cli.write(AWS)
    out = cli("bootstrap").out
    assert "s3://shop-pulumi-state-111111111111" in out
    assert "pulumi stack init shop-prod --secrets-provider 'awskms://alias/shop-pulumi?region=eu-west-1'" in out
    assert "role: arn:aws:iam::222222222222:role/deployer" in out
    assert "aws:s3/bucket:Bucket" in out


@pytest.mark.usefixtures("no_network")
def test_preflight_on_aws_wants_the_cli_and_credentials(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pulumi_aws")
    cli.write(AWS)
    monkeypatch.setenv("PATH", "")
    answer = cli("preflight")
    assert answer.code == 1
    assert "error    Pulumi CLI: it is not on PATH; install it" in answer.out
    assert _checks(cli)["credentials for aws"] == "error"
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    assert _checks(cli)["credentials for aws"] == "ok"
    assert "disk" not in _checks(cli), "nothing runs on this machine"


@pytest.mark.usefixtures("no_network")
def test_preflight_on_this_machine(cli: Cli) -> None:
    cli.write()
    answer = cli("preflight")
    assert answer.code == 0, answer.out
    assert {"folder", "disk", "memory", "packages for local", "ports"} <= _checks(cli).keys()
    assert "Pulumi CLI" not in answer.out


def test_a_port_that_another_program_holds_is_named(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        overlay = f"dev: {{models: {{demand: {{realtime: {{port: {port}}}}}}}}}"
        cli.write(MINIMAL.replace("dev: {}", overlay))
        answer = cli("preflight", "-e", "dev")
        assert answer.code == 1
        assert f"port {port}: wanted for demand in dev, held by another program" in answer.out
    assert cli("preflight", "-e", "dev").code == 0


def test_little_disk_is_a_warning_and_no_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write()
    usage = type("Usage", (), {"free": 1024**3})
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _path: usage)
    answer = cli("preflight")
    assert answer.code == 0
    assert "warning  disk: 1.0 GiB free" in answer.out


def test_a_path_that_the_supervisor_cannot_take(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Path("odd[1]")
    odd.mkdir()
    monkeypatch.chdir(odd)
    (Path.cwd() / "blueprint.yaml").write_text(MINIMAL)
    assert _checks(cli)["path"] == "error"
