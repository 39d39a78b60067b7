"""`versions`, `approve`, `reject`, `release`, `predict`, `open` against a server that speaks their protocols."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from cli_runner import MINIMAL, Cli
from fake_registry import FakeServer, serving

from mlops_stacks.executors.embedded.errors import NoOutputsError
from mlops_stacks.executors.names import StackIdentity
from mlops_stacks.executors.protocol import UpResult
from mlops_stacks.operations import deploying

pytest_plugins = ["cli_fixtures"]


class Deployed:
    """An executor whose stacks export what a test says."""

    def __init__(self, exports: Mapping[str, Mapping[str, Any]]) -> None:
        self.exports = exports
        self.brought_up: list[str] = []

    def up(self, program: object, identity: StackIdentity) -> UpResult:
        """Do nothing, and remember that it was asked for."""
        self.brought_up.append(identity.stack)
        return UpResult(dict(self.exports[identity.stack]), (), (), (), (), ())

    def outputs(self, stack: str) -> Mapping[str, Any]:
        """What a stack exports."""
        if stack not in self.exports:
            raise NoOutputsError(f"stack {stack} has no outputs yet")
        return self.exports[stack]


@pytest.fixture
def server(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A deployed blueprint whose registry and endpoint of `dev` is this server."""
    cli.write()
    with serving(FakeServer()) as fake:
        registry = {"registry_uri": fake.url, "registered_models": {"demand": "demand"}}
        tracking = {"tracking_uri": fake.url, "ui_url": fake.url}
        endpoints = {"endpoints": {"demand": fake.url}, "versions": {"demand": "1"}}
        executor = Deployed(
            {
                "shop-shared": {"model_registry": registry, "experiment_tracking": tracking},
                "shop-dev": {"serving": endpoints},
                "shop-prod": {"serving": {"endpoints": {}, "versions": {}}},
            }
        )
        monkeypatch.setattr(deploying, "executor_for", lambda *arguments: executor)
        yield fake


def _lock(cli: Cli, environment: str) -> dict[str, Any]:
    path = cli.folder / "releases" / "shop" / f"{environment}.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text())["models"]["demand"] if path.exists() else {}
    return found


def test_versions_are_listed_newest_first_over_all_pages(cli: Cli, server: FakeServer) -> None:
    for number in range(1, 6):
        server.add(number, "pending", **{"metric.auc": f"0.{number}"})
    found = json.loads(cli("versions", "--json").out)
    assert [version["number"] for version in found["demand"]] == [5, 4, 3, 2, 1]
    assert found["demand"][0]["metrics"] == {"auc": 0.5}
    assert "auc 0.5" in cli("versions", "demand").out
    assert "no model `deman`" in cli("versions", "deman").err


def test_latest_approved_is_the_newest_approved_and_goes_to_the_lock(cli: Cli, server: FakeServer) -> None:
    for number, approval in ((1, "approved"), (2, "approved"), (3, "rejected"), (4, "pending")):
        server.add(number, approval)
    answer = cli("release", "demand", "latest_approved", "-e", "dev")
    assert answer.code == 0, answer.err
    assert _lock(cli, "dev")["version"] == 2
    assert _lock(cli, "prod") == {}
    assert "already" in cli("release", "demand", "2", "-e", "dev").out


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("3", "was rejected (drifts)"),
        ("4", "is not approved"),
        ("9", "has no version 9 (it has 4, 3, 1)"),
        ("newest", "write a number or latest_approved"),
    ],
)
def test_what_may_not_serve_is_refused_and_nothing_is_written(
    cli: Cli, server: FakeServer, version: str, words: str
) -> None:
    server.add(1, "approved")
    server.add(3, "rejected", rejected_because="drifts")
    server.add(4, "pending")
    answer = cli("release", "demand", version, "-e", "dev")
    assert answer.code == 1
    assert words in answer.err
    assert _lock(cli, "dev") == {}


def test_release_with_approval_records_who(cli: Cli, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    server.add(1, "pending")
    assert cli("release", "demand", "1", "-e", "dev", "--approve").code == 0
    assert server.tags[1]["approval"] == "approved"
    assert server.tags[1]["approved_by"] == "ada"
    assert _lock(cli, "dev")["approved_by"] == "ada"


def test_approve_and_reject(cli: Cli, server: FakeServer) -> None:
    server.add(1, "pending")
    server.add(2, "pending")
    assert cli("approve", "demand", "1").code == 0
    assert cli("approve", "demand", "2").code == 0
    cli("release", "demand", "1", "-e", "dev")
    cli("release", "demand", "2", "-e", "dev")
    answer = cli("reject", "demand", "2", "--reason", "drifts")
    assert answer.code == 0
    assert "dev goes back to version 1" in answer.err
    assert server.tags[2]["approval"] == "rejected"
    assert _lock(cli, "dev")["version"] == 1
    assert cli("release", "demand", "2", "-e", "dev").code == 1
    assert cli("approve", "demand", "7").code == 1


def test_a_release_to_the_last_environment_is_production(cli: Cli, server: FakeServer) -> None:
    for number in (1, 2):
        server.add(number, "approved")
        assert cli("release", "demand", str(number), "--environment", "prod").code == 0
    assert server.tags[1]["stage"] == "Archived"
    assert server.tags[2]["stage"] == "Production"
    assert server.aliases == {"production": 2}


def test_a_choice_between_environments_is_not_guessed(cli: Cli, server: FakeServer) -> None:
    server.add(1, "approved")
    answer = cli("release", "demand", "1")
    assert answer.code == 2
    assert "dev|prod" in answer.err


def test_a_release_that_the_blueprint_would_ignore_is_refused(cli: Cli, server: FakeServer) -> None:
    server.add(1, "approved")
    server.add(2, "approved")
    for configured, words in (("none", "release: none"), ("1", "release: 1")):
        cli.write(MINIMAL.replace("latest_approved", configured))
        answer = cli("release", "demand", "2", "-e", "dev")
        assert answer.code == 1
        assert words in answer.err


def test_up_refuses_a_release_that_was_rejected_since(cli: Cli, server: FakeServer) -> None:
    server.add(1, "approved")
    cli("release", "demand", "1", "-e", "dev")
    server.tags[1].update(approval="rejected", rejected_because="drifts")
    answer = cli("up", "-e", "dev")
    assert answer.code == 1
    assert "was rejected (drifts)" in answer.err
    executor: Any = deploying.executor_for(None, None, None)  # type: ignore[arg-type]
    assert executor.brought_up == ["shop-shared"], "the registry is in the shared scope; dev was not touched"


def test_a_registry_that_does_not_answer(cli: Cli, server: FakeServer) -> None:
    cli("versions")
    executor: Any = deploying.executor_for(None, None, None)  # type: ignore[arg-type]
    executor.exports["shop-shared"]["model_registry"]["registry_uri"] = "http://127.0.0.1:9"
    answer = cli("release", "demand", "1", "-e", "dev")
    assert answer.code == 1
    assert "does not answer" in answer.err


@pytest.mark.parametrize("rows", ['{"x": 1}', '[{"x": 1}]', '{"instances": [{"x": 1}]}'])
def test_predict_takes_a_row_rows_or_a_request(cli: Cli, server: FakeServer, rows: str) -> None:
    answer = cli("predict", "demand", "-e", "dev", "--input", rows)
    assert json.loads(answer.out) == {"predictions": [0.5]}
    assert server.requests == [{"instances": [{"x": 1}]}]


def test_predict_reads_a_file_standard_input_and_the_models_own_example(
    cli: Cli, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.write('{"x": 1}', "row.json")
    monkeypatch.setattr("sys.stdin", io.StringIO('{"x": 1}'))
    for arguments in (("--input", "@row.json"), ("--input", "-"), ("--example",)):
        answer = cli("predict", "demand", "-e", "dev", *arguments)
        assert json.loads(answer.out) == {"predictions": [0.5]}
    assert server.requests == [{"instances": [{"x": 1}]}] * 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("demand", "-e", "dev", "-i", '{"bad": 1}'), 1, "the column x is missing"),
        (("demand", "-e", "dev", "-i", "{"), 2, "no JSON"),
        (("demand", "-e", "dev", "-i", "3"), 1, "a JSON object"),
        (("demand", "-e", "dev"), 2, "--example"),
        (("demand", "-e", "dev", "-i", "@none.json"), 3, "none.json"),
        (("demand", "-e", "prod", "--example"), 1, "not served in prod"),
        (("other", "-e", "dev", "--example"), 1, "no model `other`"),
    ],
)
def test_predict_says_why_not(cli: Cli, server: FakeServer, arguments: tuple[str, ...], code: int, words: str) -> None:
    answer = cli("predict", *arguments)
    assert answer.code == code
    assert words in answer.err


def test_open_prints_every_page_and_starts_a_browser(
    cli: Cli, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    assert cli("open", "experiment-tracking").out == f"experiment_tracking: {server.url}\n"
    assert cli("open", "serving", "-e", "dev", "--no-browser").out == f"demand in dev: {server.url}/docs\n"
    assert opened == [server.url]
    assert "did you mean `serving`" in cli("open", "servng").err
    assert cli("open", "monitoring").code == 1
