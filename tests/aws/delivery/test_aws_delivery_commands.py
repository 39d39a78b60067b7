"""What delivery's builds run, taken out of the rendered buildspecs and run here: with git, and an emulated AWS."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import boto3
import delivery_plans as plans
import pytest

from mlops_components.aws_delivery import pins
from mlops_stacks.runtime.delivery import approval, scan
from mlops_stacks.runtime.delivery.commands import BuildError
from mlops_stacks.runtime.delivery.records import Package
from mlops_stacks.runtime.delivery.stores import S3Store, StoreError, store_at

IMAGE = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/flights-shared-images@sha256:" + "a" * 64
BUCKET = "flights-shared-artifacts-111111111111"
LOCK = "platform/deliveries/flights/dev.yaml"

PROGRAM = """#!{python}
import os, pathlib, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if "deliver" in sys.argv:
    lock = pathlib.Path(os.environ["LOCK"])
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("delivered: " + os.environ["PACKAGE"] + " by " + os.environ.get("LOGNAME", "?") + "\\n")
if "promote" in sys.argv and "--terse" in sys.argv:
    print("flight_delay=7")
if "plan" in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("--output") + 1]).write_text("# Plan\\n")
"""


def _git(*arguments: str, folder: Path) -> str:
    command = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Desk:
    """A clone of a repository at one commit, with a stand-in for the program that notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.origin, self.clone, self.home = folder / "origin.git", folder / "clone", folder / "home"
        for each in (self.home / "bin", folder / "work"):
            each.mkdir(parents=True)
        work = folder / "work"
        _git("init", "--quiet", "--initial-branch=main", folder=work)
        (work / "platform").mkdir()
        (work / "platform" / "blueprint.yaml").write_text("name: flights\n")
        _git("add", "--all", folder=work)
        _git("commit", "--quiet", "--message", "begin", folder=work)
        subprocess.run(["git", "clone", "--quiet", "--bare", str(work), str(self.origin)], check=True)
        subprocess.run(["git", "clone", "--quiet", str(self.origin), str(self.clone)], check=True)
        _git("checkout", "--quiet", "--detach", folder=self.clone)  # as CodeBuild leaves it
        program = self.home / "bin" / "mlops-stacks"
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.calls = folder / "calls.txt"

    def push(self, path: str, text: str) -> None:
        """Somebody else pushes a file in the meantime."""
        other = self.home / "other"
        subprocess.run(["git", "clone", "--quiet", str(self.origin), str(other)], check=True)
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        (other / path).write_text(text)
        _git("add", "--all", folder=other)
        _git("commit", "--quiet", "--message", "meanwhile", folder=other)
        _git("push", "--quiet", "origin", "main", folder=other)

    def run(self, project: str, told: dict[str, str]) -> dict[str, str]:
        """Run a build's lines as CodeBuild does, but for what installs; returns what it exports."""
        spec = plans.buildspec(plans.usual(), project)
        lines = [line for line in spec["phases"]["build"]["commands"] if not _installs(line)]
        exported = spec["env"].get("exported-variables", [])
        show = [f'echo "{name}=${{{name}}}" >> "$HOME/exported"' for name in exported]
        environment = {
            "PATH": f"{self.home / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "CALLS": str(self.calls),
            "CODEBUILD_BUILD_URL": "https://example.com/build",
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            **told,
        }
        script = "\n".join([*lines, *show])
        ended = subprocess.run(
            ["bash", "-c", script], cwd=self.clone, env=environment, capture_output=True, text=True, timeout=120
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        made = self.home / "exported"
        pairs = made.read_text().splitlines() if made.exists() else []
        return dict(pair.split("=", 1) for pair in pairs)


def _installs(line: str) -> bool:
    return "pip install" in line or _installs_pulumi(line)


def _installs_pulumi(line: str) -> bool:
    return "pulumi.sums" in line or pins.PULUMI_ARCHIVE in line or ".pulumi/bin" in line


def _told(change: str, **more: str) -> dict[str, str]:
    told = {"CHANGE": change, "PACKAGE": "7", "ENVIRONMENT": "dev", "BRANCH": "main", "LOCK": LOCK}
    return {**told, "MESSAGE": "Deliver package 7 to dev", "PIPELINE": "cd1", "EXECUTION": "run", **more}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def approved(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """In place of `python`: says who approved, since the emulator keeps no runs of pipelines."""
    stand_in = desk.home / "bin" / "python"
    stand_in.write_text("#!/bin/sh\necho ana\n")
    stand_in.chmod(0o755)


def test_a_plan_tells_what_it_came_to_and_pushes_nothing(desk: Desk) -> None:
    before = _git("rev-parse", "main", folder=desk.origin)
    exported = desk.run("pipeline-delivery-cdplan", _told("deliver"))
    assert exported == {"VERSIONS": "7", "LINK": "https://example.com/build"}
    assert [line.split()[2] for line in desk.calls.read_text().splitlines()] == ["deliver", "validate", "plan"]
    assert _git("rev-parse", "main", folder=desk.origin) == before
    assert (desk.clone / "plan.md").exists()


def test_a_plan_of_versions_tells_which(desk: Desk) -> None:
    assert desk.run("pipeline-delivery-cdplan", _told("promote"))["VERSIONS"] == "flight_delay=7"


@pytest.mark.usefixtures("approved")
def test_a_deployment_pushes_the_lock_on_top_of_what_came_meanwhile(desk: Desk) -> None:
    desk.push("README.md", "new\n")
    desk.run("pipeline-delivery-cdupdev", _told("deliver", VERSIONS="7"))
    calls = [line.split()[2] for line in desk.calls.read_text().splitlines()]
    assert calls == ["deliver", "up"]
    assert _git("show", f"main:{LOCK}", folder=desk.origin) == "delivered: 7 by ana"
    assert _git("show", "main:README.md", folder=desk.origin) == "new"
    assert _git("log", "-1", "--format=%an %s", "main", folder=desk.origin) == "ana Deliver package 7 to dev"


@pytest.mark.usefixtures("approved")
def test_a_deployment_without_a_change_pushes_nothing(desk: Desk) -> None:
    desk.push(LOCK, "delivered: 7 by ana\n")
    before = _git("rev-parse", "main", folder=desk.origin)
    desk.run("pipeline-delivery-cdupdev", _told("deliver", VERSIONS="7"))
    assert _git("rev-parse", "main", folder=desk.origin) == before


@pytest.mark.usefixtures("approved")
def test_a_deployment_carries_out_what_was_planned(desk: Desk) -> None:
    """Locks of other environments are taken as they are now, the versions as they were planned."""
    other = "platform/releases/flights/staging.yaml"
    desk.push(other, "models: {}\n")
    (desk.clone / LOCK).parent.mkdir(parents=True)
    (desk.clone / LOCK).write_text("{}\n")
    desk.run("pipeline-delivery-cdupdev", _told("promote", VERSIONS="flight_delay=7"))
    assert "--versions flight_delay=7" in desk.calls.read_text()
    assert _git("show", f"main:{other}", folder=desk.origin) == "models: {}"


@pytest.mark.parametrize("forged", [False, True])
def test_the_pulumi_cli_is_unpacked_only_if_it_is_the_one_released(tmp_path: Path, forged: bool) -> None:
    """With a stand-in for `curl`, which serves a folder: a name in it for each address."""
    served, home, tools = tmp_path / "served", tmp_path / "home", tmp_path / "tools"
    for each in (served, home, tools):
        each.mkdir()
    with tarfile.open(served / pins.PULUMI_ARCHIVE, "w:gz") as archive:
        said = b"#!/bin/sh\necho the CLI\n"
        member = tarfile.TarInfo("pulumi/pulumi")
        member.size, member.mode = len(said), 0o755
        archive.addfile(member, io.BytesIO(said))
    digest = hashlib.sha256((served / pins.PULUMI_ARCHIVE).read_bytes()).hexdigest()
    others = f"{'1' * 64}  {pins.PULUMI_ARCHIVE.replace('x64', 'arm64')}"
    (served / Path(pins.PULUMI_SUMS).name).write_text(
        f"{others}\n{'2' * 64}  {pins.PULUMI_ARCHIVE}.sbom\n{digest}  {pins.PULUMI_ARCHIVE}\n"
    )
    if forged:
        (served / pins.PULUMI_ARCHIVE).write_bytes((served / pins.PULUMI_ARCHIVE).read_bytes() + b"more")
    curl = tools / "curl"
    curl.write_text(
        '#!/bin/bash\nwhile [ $# -gt 1 ]; do [ "$1" = --output ] && to="$2"; shift; done\n'
        f'cp "{served}/${{1##*/}}" "$to"\n'
    )
    curl.chmod(0o755)
    spec = plans.buildspec(plans.usual(), "pipeline-delivery-cdplan")
    commands = spec["phases"]["build"]["commands"]
    lines = [commands[0], *(line for line in commands if _installs_pulumi(line)), "pulumi"]
    told = {"HOME": str(home), "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(["bash", "-c", "\n".join(lines)], env=told, capture_output=True, text=True, timeout=60)
    assert (ended.returncode == 0) is not forged, ended.stderr
    assert ("the CLI" in ended.stdout) is not forged
    assert (home / ".pulumi" / "bin").exists() is not forged


def _keep_settings(bucket: str) -> None:
    """Put what CI 1 is told where the plan puts it."""
    told = plans.resource(plans.usual(), "continuous-integration-settings").inputs
    assert json.loads(told["content"])["packages"] == f"s3://{bucket}/packages"
    boto3.client("s3").put_object(Bucket=bucket, Key=told["key"], Body=told["content"].encode())


@pytest.fixture
def bucket(emulator: str) -> str:
    region = os.environ["AWS_REGION"]
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
    return BUCKET


def _built(desk: Desk) -> dict[str, str]:
    """What the actions before the last one hand on, where CodeBuild puts it."""
    handed_on = {name: desk.home / name for name in ("Tests", "Image", "Smoke")}
    for folder in handed_on.values():
        folder.mkdir(exist_ok=True)
    (handed_on["Tests"] / "tests.xml").write_text('<testsuites><testsuite tests="3" failures="0"/></testsuites>')
    (handed_on["Smoke"] / "smoke.json").write_text('{"flight_delay": {"auc": 0.7}}')
    (handed_on["Image"] / "wheels").mkdir(exist_ok=True)
    (handed_on["Image"] / "wheels" / "flight_delay-0.1.0-py3-none-any.whl").write_bytes(b"wheel")
    return {f"CODEBUILD_SRC_DIR_{name}": str(folder) for name, folder in handed_on.items()}


def test_the_last_build_makes_a_package_once_and_starts_its_delivery(desk: Desk, bucket: str) -> None:
    """The emulator starts no pipeline: the package is kept all the same, and the sentence says so."""
    _keep_settings(bucket)
    told = {"SETTINGS": f"s3://{bucket}/ci/settings.json", "IMAGE": IMAGE, "COMMIT": "c" * 40, "BRANCH": "main"}
    spec = plans.buildspec(plans.usual(), "continuous-integration-cipublish")
    assert "--start flights-shared-cd1" in spec["phases"]["build"]["commands"][-1]
    told["AWS_MAX_ATTEMPTS"] = "1"
    for _ in range(2):
        with pytest.raises(AssertionError, match=r"package 1 is kept, but flights-shared-cd1 could not be started"):
            desk.run("continuous-integration-cipublish", {**told, **_built(desk)})
    (package,) = store_at(f"s3://{bucket}/packages").packages()
    assert (package.version, package.image, package.commit) == (1, IMAGE, "c" * 40)
    assert package.tests is not None
    assert package.tests["tests"] == 3
    assert package.models == {"flight_delay": {"auc": 0.7}}
    keys = {each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="packages/1/")["Contents"]}
    assert {"packages/1/package.json", "packages/1/tests.xml", f"packages/1/{package.wheel}"} <= keys


def _package(version: int) -> Package:
    return Package(version, "flights", "c", "main", "now", None, "a.whl", "0" * 64, None, {}, "s", f"image{version}")


def test_two_builds_at_once_get_two_numbers(bucket: str) -> None:
    store = S3Store(f"s3://{bucket}/packages")
    assert store.add(_package, {}).version == 1
    boto3.client("s3").put_object(Bucket=bucket, Key="packages/2/claimed", Body=b"")
    assert store.add(_package, {}).version == 3
    assert [each.version for each in store.packages()] == [3, 1]
    assert store.package(2) is None


def test_a_store_that_is_not_there_is_a_sentence(emulator: str) -> None:
    with pytest.raises(StoreError, match="cannot be read or written"):
        S3Store("s3://nobody-has-this-bucket/packages").packages()


class FakeEcr:
    """A scan that ends after a while, or not."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers, self.asked = list(answers), []

    def describe_image_scan_findings(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _scanned(status: str, **counts: int) -> dict[str, Any]:
    findings = [{"name": f"CVE-{each}", "severity": each} for each in counts]
    return {
        "imageScanStatus": {"status": status, "description": "because"},
        "imageScanFindings": {"findingSeverityCounts": counts, "findings": findings},
    }


def _ecr(monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any]) -> FakeEcr:
    fake = FakeEcr(*answers)
    monkeypatch.setattr(boto3, "client", lambda service: fake)
    return fake


def test_a_scan_is_waited_for_and_small_findings_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = _ecr(monkeypatch, _scanned("IN_PROGRESS"), _scanned("COMPLETE", MEDIUM=2))
    assert scan.scan(IMAGE, "high", 1, poll_seconds=0) == {"medium": 2}
    assert fake.asked[0] == {
        "registryId": "111111111111",
        "repositoryName": "flights-shared-images",
        "imageId": {"imageDigest": "sha256:" + "a" * 64},
    }


@pytest.mark.parametrize(
    ("answer", "minutes", "said"),
    [
        (_scanned("COMPLETE", HIGH=1, LOW=4), 1, r"1 high \(CVE-HIGH\)"),
        (_scanned("ACTIVE", CRITICAL=3), 1, "3 critical"),
        (_scanned("UNSUPPORTED_IMAGE"), 1, "could not be scanned"),
        (_scanned("IN_PROGRESS"), 0, "did not end"),
    ],
)
def test_what_a_scan_found_ends_the_build(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], minutes: float, said: str
) -> None:
    _ecr(monkeypatch, answer)
    with pytest.raises(BuildError, match=said):
        scan.scan(IMAGE, "high", minutes, poll_seconds=0)


class FakePipelines:
    """Two runs' worth of actions."""

    def get_paginator(self, _name: str) -> FakePipelines:
        return self

    def paginate(self, **_asked: Any) -> list[dict[str, Any]]:
        def action(stage: str, category: str, status: str, by: str) -> dict[str, Any]:
            kind = {"actionTypeId": {"category": category}}
            return {"stageName": stage, "status": status, "updatedBy": by, "input": kind}

        ana = "arn:aws:sts::111111111111:assumed-role/people/ana"
        return [
            {"actionExecutionDetails": [action("prod", "Build", "Succeeded", "x/robot")]},
            {"actionExecutionDetails": [action("prod", "Approval", "Succeeded", ana)]},
        ]


def test_the_approver_of_a_stage_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", lambda service: FakePipelines())
    assert approval.approver("cd1", "run", "prod") == "ana"
    assert approval.approver("cd1", "run", "dev") == "cd1"
