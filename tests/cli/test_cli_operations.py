"""Parts of the verbs on their own: documents, logs, outputs, next steps, progress."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_runner import Cli
from hypothesis import given
from hypothesis import strategies as st

from mlops_stacks.cli.progress import Progress
from mlops_stacks.executors.events import Event, EventKind
from mlops_stacks.operations.documents import documents_of
from mlops_stacks.operations.exports import NoSuchOutputError, flattened, select
from mlops_stacks.operations.logs import Follower, tail
from mlops_stacks.operations.starting import default_name
from mlops_stacks.plan import Plan, PlannedResource, ScopePlan

pytest_plugins = ["cli_fixtures"]


def _plan(**inputs: Any) -> Plan:
    resource = PlannedResource("urn", "aws:x:Y", "../na me", None, "serving", "dev", "aws", inputs=inputs)
    return Plan("shop", "aws", None, (ScopePlan("dev", "shop-dev", (resource,), {}),))


def test_documents_are_json_and_texts_of_several_lines_but_not_names() -> None:
    found = {
        str(document.path): document.text
        for document in documents_of(
            _plan(
                name="a name",
                policy='{"Statement":[{"Sid":"x"}]}',
                nested=[{"script": "one\ntwo"}],
                path="/etc/thing.conf",
                broken="{not json",
                number="3",
            )
        )
    }
    folder = "dev/serving/_na_me"
    assert set(found) == {f"{folder}/policy.json", f"{folder}/nested.0.script.conf"}
    assert json.loads(found[f"{folder}/policy.json"]) == {"Statement": [{"Sid": "x"}]}
    assert found[f"{folder}/nested.0.script.conf"] == "one\ntwo\n"


@given(name=st.text(max_size=200), key=st.text(max_size=200))
def test_a_documents_path_never_leaves_its_folder(name: str, key: str) -> None:
    resource = PlannedResource("urn", "t", name, None, "serving", "dev", "aws", inputs={key: "{}"})
    plan = Plan("shop", "aws", None, (ScopePlan("dev", "shop-dev", (resource,), {}),))
    for document in documents_of(plan):
        assert len(document.path.parts) == 4
        assert ".." not in document.path.parts


@given(lines=st.lists(st.text("ab é", max_size=30), max_size=30), wanted=st.integers(0, 40))
def test_tail_is_the_last_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[str], wanted: int) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert tail(path, wanted) == (lines[-wanted:] if wanted else [])


def test_tail_of_a_long_log_reads_only_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {number:>50}\n" for number in range(20_000)))
    assert tail(path, 2) == [f"line {19_998:>50}", f"line {19_999:>50}"]
    assert tail(tmp_path / "none", 2) == []


def test_a_followed_log_may_be_rotated_and_is_read_in_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    follower = Follower(path)
    assert follower.new_lines() == []
    with path.open("a") as stream:
        stream.write("one\ntw")
    assert follower.new_lines() == ["one"]
    with path.open("a") as stream:
        stream.write("o\n")
    assert follower.new_lines() == ["two"]
    path.rename(tmp_path / "log.1")
    path.write_text("three\n")
    assert follower.new_lines() == ["three"]


def test_outputs_by_key() -> None:
    exports = {"serving": {"endpoints": {"m": "http://x"}}}
    assert select(exports, None) == exports
    assert select(exports, "serving.endpoints.m") == "http://x"
    assert list(flattened(exports)) == [("serving.endpoints.m", "http://x")]
    with pytest.raises(NoSuchOutputError, match="did you mean `endpoints`"):
        select(exports, "serving.endpoint")
    with pytest.raises(NoSuchOutputError, match="nothing below it"):
        select(exports, "serving.endpoints.m.x")


@given(name=st.text(max_size=60))
def test_any_folder_gives_a_legal_name(name: str) -> None:
    import re

    safe = name.replace("/", "").replace("\0", "") or "x"
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?", default_name(Path("/", safe)))


def test_each_resource_is_named_once_however_long_it_took(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.begin("shop-dev")
        progress.observe(Event(EventKind.WRITTEN, "urn", "t:m/x:Bucket", "thing", 600.0, "create"))
        progress._began -= 600
        progress.end()
        progress.summary()
    said = capsys.readouterr().err
    assert said.count("Bucket") == 1
    assert "longest: thing 600.0 s" in said


def test_up_ends_with_the_addresses_that_a_person_needs(cli: Cli) -> None:
    from mlops_stacks.operations.next_steps import next_steps
    from mlops_stacks.operations.opening import open_project

    shared = {
        "experiment_tracking": {"ui_url": "http://127.0.0.1:5000"},
        "workbench": {"ui_url": "http://127.0.0.1:8888/lab"},
        "continuous_integration": {"repository": "/home/a b/code.git", "branch": "main"},
    }
    serving = {"serving": {"endpoints": {"demand": "http://127.0.0.1:8080"}}}
    project = open_project(cli.write(), cli.folder)
    lines = list(next_steps(project, {"shared": shared, "dev": serving, "prod": {}}))
    assert lines[0] == "MLflow: http://127.0.0.1:5000"
    assert lines[1].startswith("JupyterLab: http://127.0.0.1:8888/lab (")
    assert lines[2].endswith("git push '/home/a b/code.git' main")
    assert lines[3] == "demand is served in dev: http://127.0.0.1:8080"
    assert lines[4].startswith("demand is not served in prod yet. Next: mlops-stacks run demand")
    assert lines[5] == "All of it on one page: mlops-stacks open"


def test_logs_of_monitoring_are_its_own_and_those_of_its_reports(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_stacks.operations import deployed, deploying

    cli.write()
    own, reports = cli.folder / "monitor.log", cli.folder / "demand"
    reports.mkdir()
    (reports / "report.log").write_text("it could not be made\n")
    watched = {"monitoring": {"reports": {"demand": str(reports), "far": "s3://elsewhere"}}}
    executor = SimpleNamespace(outputs=lambda stack: watched if stack == "shop-dev" else {})
    program = deployed.Program("dev", "monitoring", "dev-monitor", own, "", None)
    monkeypatch.setattr(deploying, "executor_for", lambda *arguments: executor)
    monkeypatch.setattr(deployed, "programs", lambda *arguments: iter([program]))
    shown = cli("logs", "monitoring")
    assert shown.code == 0, shown.err
    assert f"dev-monitor: {own}\n  it is empty so far" in shown.err
    assert f"dev reports on demand: {reports / 'report.log'}" in shown.err
    assert shown.out == "it could not be made\n"


def test_progress_counts_what_was_written_and_names_what_failed(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    def event(kind: EventKind, message: str, elapsed: float | None = 0.1, kind_of: str = "t:m/x:Bucket") -> Event:
        return Event(kind, f"urn-{message}", kind_of, "thing", elapsed, message)

    with Progress() as progress:
        progress.begin("shop-dev")
        progress.observe(event(EventKind.STARTED, "create", None))
        progress.observe(event(EventKind.WRITTEN, "create", 2.5))
        progress.observe(event(EventKind.UNCHANGED, "same"))
        progress.observe(event(EventKind.UNCHANGED, "same", kind_of="mlops-stacks:index:LocalServing"))
        progress.observe(event(EventKind.FAILED, "the disk is [full]"))
        progress.end(["the folder /x stays"])
        progress.summary()
    said = capsys.readouterr().err
    assert "  created    thing  Bucket  2.5 s\n" in said
    assert "failed     thing  Bucket: the disk is [full]\n" in said
    assert "  1 created, 1 unchanged in" in said
    assert "  left: the folder /x stays\n" in said
    assert "longest: thing 2.5 s" in said
