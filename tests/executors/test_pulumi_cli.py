"""The Pulumi executor: without the CLI its sentence, with it the real engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.automation import EngineEvent

from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.events import Event, EventKind, ignore
from mlops_stacks.executors.pulumi_cli import (
    PulumiBusyError,
    PulumiCliExecutor,
    PulumiError,
    PulumiMissingError,
    PulumiProtectedError,
)
from mlops_stacks.executors.pulumi_events import EventLog
from mlops_stacks.operations.deploying import ExecutorChoice, destroy, executor_for, up
from mlops_stacks.operations.opening import open_project
from mlops_stacks.project import Project

ROOT = Path(__file__).parents[2]
BLUEPRINT = """\
schema_version: 1
name: tiny
platform: local
lifecycle: delete
environments: {dev: {}}
stages: [foundation]
"""

needs_cli = pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for variable in ("PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "cli"))
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
    (tmp_path / "blueprint.yaml").write_text(BLUEPRINT)
    return open_project(None, tmp_path, releases=True)


@pytest.fixture
def deployed(project: Project) -> Iterator[tuple[Project, PulumiCliExecutor, Mapping[str, Any]]]:
    executor = PulumiCliExecutor(project, ignore)
    results = {done.scope: done.result for done in up(project, executor)}
    yield project, executor, results
    for _ in destroy(project, executor):
        pass


def test_without_the_cli_one_sentence_says_where_to_get_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project.root))
    with pytest.raises(PulumiMissingError, match=r"pulumi\.com/docs/install.*--executor embedded"):
        executor_for(project, ExecutorChoice.PULUMI, ignore)


def test_without_the_cli_a_local_blueprint_needs_none(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project.root))
    assert isinstance(executor_for(project, ExecutorChoice.AUTO, ignore), EmbeddedExecutor)


def _step(kind: str, op: str, urn: str, **more: Any) -> EngineEvent:
    metadata = {"op": op, "urn": urn, "type": "aws:s3/bucket:Bucket", "provider": "", **more}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: {"metadata": metadata}})


def test_engine_events_become_ours() -> None:
    seen: list[Event] = []
    log = EventLog(seen.append)
    for op in ("create", "same", "update", "delete"):
        log(_step("resourcePreEvent", op, f"urn:pulumi:s::p::t::{op}"))
        log(_step("resOutputsEvent", op, f"urn:pulumi:s::p::t::{op}"))
    assert [(event.kind, event.name, event.message) for event in seen] == [
        (EventKind.STARTED, "create", "create"),
        (EventKind.WRITTEN, "create", "create"),
        (EventKind.UNCHANGED, "same", "same"),
        (EventKind.STARTED, "update", "update"),
        (EventKind.WRITTEN, "update", "update"),
        (EventKind.STARTED, "delete", "delete"),
        (EventKind.WRITTEN, "delete", "delete"),
    ]
    assert log.urns("create") == ("urn:pulumi:s::p::t::create",)


def test_a_replacement_counts_once_and_what_is_retained_is_not_deleted() -> None:
    log = EventLog(ignore)
    for op in ("create-replacement", "replace", "delete-replaced"):
        log(_step("resOutputsEvent", op, "urn:pulumi:s::p::t::one"))
    log(_step("resOutputsEvent", "delete", "urn:pulumi:s::p::t::kept", old={"retainOnDelete": True}))
    assert log.urns("replace") == ("urn:pulumi:s::p::t::one",)
    assert log.urns("delete") == ()
    assert log.urns("retain") == ("urn:pulumi:s::p::t::kept",)


def test_failures_and_their_reasons_are_told() -> None:
    seen: list[Event] = []
    log = EventLog(seen.append)
    log(_step("resOpFailedEvent", "create", "urn:pulumi:s::p::t::bad", status=1, steps=1))
    for _ in range(2):
        diagnostic = {"severity": "error", "message": "<{%fg 1%}>error: <{%reset%}>no such\n bucket\n", "color": "raw"}
        log(EngineEvent.from_json({"sequence": 1, "timestamp": 1, "diagnosticEvent": diagnostic}))
    assert [event.kind for event in seen] == [EventKind.FAILED]
    assert log.errors == ("no such bucket",)


@needs_cli
@pytest.mark.cli
@pytest.mark.slow
def test_the_same_resources_and_outputs_as_the_embedded_executor(
    deployed: tuple[Project, PulumiCliExecutor, Mapping[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, executor, results = deployed
    again = {done.scope: done.result for done in up(project, executor)}
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    twin = open_project(None, folder, releases=True)
    embedded = EmbeddedExecutor(twin.home / "state")
    try:
        for done in up(twin, embedded):
            ours, theirs = results[done.scope], done.result
            assert set(ours.created) == set(theirs.created)
            there = json.dumps(theirs.outputs).replace(str(folder), str(project.root))
            assert ours.outputs == json.loads(there)
            assert executor.outputs(project.blueprint.stack(done.scope)) == ours.outputs
            assert set(again[done.scope].unchanged) == set(ours.created)
            assert not again[done.scope].created
    finally:
        for _ in destroy(twin, embedded):
            pass


@needs_cli
@pytest.mark.cli
@pytest.mark.slow
def test_nothing_is_left_after_destroy(project: Project) -> None:
    executor = PulumiCliExecutor(project, ignore)
    identity = project.identity("dev")
    assert executor.destroy(identity).deleted == ()
    with pytest.raises(PulumiError, match="does not exist yet"):
        executor.outputs(identity.stack)
    assert len(list(up(project, executor))) == 2
    folder = project.home / "shared"
    assert folder.is_dir()
    assert all(done.result.deleted for done in destroy(project, executor))
    assert not folder.exists()


def _protected(protect: bool = True) -> None:
    component = pulumi.ComponentResource("test:index:Kept", "kept", {}, pulumi.ResourceOptions(protect=protect))
    component.register_outputs({})


def _broken() -> None:
    raise ValueError("a sentence of the program's own")


@needs_cli
@pytest.mark.cli
@pytest.mark.slow
def test_what_is_protected_stops_a_destroy_before_it_begins(project: Project) -> None:
    executor = PulumiCliExecutor(project, ignore)
    identity = project.identity("dev")
    assert executor.preview(_protected, identity) == {"create": 2}
    created = executor.up(_protected, identity).created
    with pytest.raises(PulumiProtectedError, match="::kept"):
        executor.destroy(identity)
    assert set(executor.up(_protected, identity).unchanged) == set(created)
    executor.up(lambda: _protected(protect=False), identity)
    assert set(executor.destroy(identity).deleted) == set(created)


@needs_cli
@pytest.mark.cli
@pytest.mark.slow
def test_what_the_program_raised_comes_back_as_it_was(project: Project) -> None:
    with pytest.raises(ValueError, match="a sentence of the program's own"):
        PulumiCliExecutor(project, ignore).up(_broken, project.identity("dev"))


@needs_cli
@pytest.mark.cli
@pytest.mark.slow
def test_a_second_run_is_refused_with_a_sentence(project: Project) -> None:
    first, second = PulumiCliExecutor(project, ignore), PulumiCliExecutor(project, ignore)
    identity = project.identity("dev")
    refused: list[PulumiBusyError] = []

    def meanwhile() -> None:
        try:
            second.up(lambda: None, identity)
        except PulumiBusyError as error:
            refused.append(error)

    first.up(meanwhile, identity)
    assert "pulumi cancel --stack tiny-dev" in str(refused[0])


@needs_cli
@pytest.mark.cli
@pytest.mark.slow
def test_pulumi_up_does_what_the_executor_does(project: Project) -> None:
    """The committed project, by the CLI alone, beside the executor in the same folder."""
    settings = (ROOT / "Pulumi.yaml").read_text()
    settings = settings.replace("virtualenv: .venv", f"virtualenv: {sys.prefix}")
    settings = settings.replace("main: src", f"main: {ROOT / 'src'}").replace("blueprints/local.yaml", "blueprint.yaml")
    (project.root / "Pulumi.yaml").write_text(settings)
    executor = PulumiCliExecutor(project, ignore)
    done = list(up(project, executor))
    policies = ["--policy-pack", str(ROOT / "policies")] if (ROOT / ".venvs" / "policies").is_dir() else []
    stack = ["--stack", project.blueprint.stack("dev"), "--non-interactive"]
    environment = {**os.environ, "PULUMI_BACKEND_URL": f"file://{project.home / 'pulumi' / 'state'}"}
    environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(project.home / "pulumi" / "passphrase")
    try:
        subprocess.run(
            ["pulumi", "preview", "--expect-no-changes", *policies, *stack],
            cwd=project.root,
            env=environment,
            check=True,
            timeout=120,
        )
    finally:
        assert len(done) == len(list(destroy(project, executor)))
