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

WITH_PORTS = """\
schema_version: 1
name: shop
platform: local
environments: {{dev: {{}}}}
stages: {{foundation: {{}}, model_registry: {{}}, training_pipeline: {{}}, serving: {{}}, {stages}}}
workload: {{entry_point: "shop.workload:workload", path: code}}
"""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a connection fails the test."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError(f"a connection to {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def workload(cli: Cli) -> Path:
    """The workload that the blueprints name is there."""
    module = cli.folder / "code" / "shop" / "workload.py"
    module.parent.mkdir(parents=True)
    module.write_text("workload = object()\n")
    return module


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


@pytest.mark.parametrize(("stage", "purpose"), [("workbench", "JupyterLab"), ("monitoring", "the monitor of dev")])
def test_a_taken_port_of_a_stage_is_named_too(cli: Cli, stage: str, purpose: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        cli.write(WITH_PORTS.format(stages=f"{stage}: {{port: {port}}}"))
        assert f"port {port}: wanted for {purpose}, held by another program" in cli("preflight").out


def test_a_port_that_two_stages_ask_for_is_refused(cli: Cli) -> None:
    cli.write(WITH_PORTS.format(stages="workbench: {port: 8888}, monitoring: {port: 8888}"))
    said = cli("validate").err
    assert "stages.monitoring.port: port 8888 is asked for by JupyterLab as well as by the monitor of dev" in said


def test_a_workload_that_is_not_there_is_said_before_it_is_run(cli: Cli, workload: Path) -> None:
    cli.write()
    assert _checks(cli)["workload"] == "ok"
    assert "Warning" not in cli("validate").err
    workload.write_text("if True:\n    from elsewhere import other as workload\n")
    assert _checks(cli)["workload"] == "ok"
    workload.write_text("work = 1\n")
    assert f"error    workload: {workload} has no `workload`; define `workload` in it" in cli("preflight").out
    workload.unlink()
    assert "there is no module `shop.workload`" in cli("preflight").out
    workload.parent.rmdir()
    workload.parent.parent.rmdir()
    answer = cli("validate")
    assert answer.code == 0
    assert f"Warning: the folder {workload.parents[1]} is not there; make it, or correct `workload.path`" in answer.err
    assert cli("preflight").code == 1


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
