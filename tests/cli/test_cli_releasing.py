"""`versions`, `approve`, `reject`, `release`, `predict`, `open` against a server that speaks their protocols."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from cli_runner import MINIMAL, Cli
from fake_registry import FakeServer, serving

from mlops_stacks.executors.embedded.errors import NoOutputsError
from mlops_stacks.executors.names import StackIdentity
from mlops_stacks.executors.protocol import DestroyResult, UpResult
from mlops_stacks.operations import deploying

pytest_plugins = ["cli_fixtures"]


class Deployed:
    """An executor whose stacks export what a test says."""

    def __init__(self, exports: Mapping[str, Mapping[str, Any]]) -> None:
        self.exports = exports
        self.brought_up: list[str] = []
        self.left: tuple[str, ...] = ()

    def up(self, program: object, identity: StackIdentity) -> UpResult:
        """Do nothing, and remember that it was asked for."""
        self.brought_up.append(identity.stack)
        return UpResult(dict(self.exports[identity.stack]), (), (), (), (), ())

    def refuse_protected(self, identity: StackIdentity) -> None:
        """Nothing is."""

    def destroy(self, identity: StackIdentity) -> DestroyResult:
        """Forget what the stack exported, and take away what of it is left."""
        self.exports = {stack: exported for stack, exported in self.exports.items() if stack != identity.stack}
        return DestroyResult(self.left, ())

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


def test_status_shows_first_the_metrics_that_acceptance_judges(cli: Cli, server: FakeServer) -> None:
    judged = "acceptance: {thresholds: [{metric: recall, minimum: 0.5}], better_than_serving: log_loss}"
    cli.write(MINIMAL.replace("{release: latest_approved}", f"{{release: latest_approved, {judged}}}"))
    server.add(1, "approved", **{f"metric.{name}": "0.5" for name in ("auc", "brier", "log_loss", "recall")})
    (model,) = json.loads(cli("status", "--json").out)["models"]
    assert list(model["versions"][0]["metrics"]) == ["recall", "log_loss", "auc", "brier"]


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
        ("newest", "write a number, latest_approved or none"),
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


def test_up_goes_on_without_a_release_that_the_registry_does_not_have(cli: Cli, server: FakeServer) -> None:
    server.add(1, "approved")
    assert cli("release", "demand", "1", "-e", "dev").code == 0
    server.tags.clear()
    executor: Any = deploying.executor_for(None, None, None)  # type: ignore[arg-type]
    executor.exports["shop-dev"] = {}
    answer = cli("up", "-e", "dev")
    assert answer.code == 0, answer.text
    assert "demand is not served in dev: the registry has no version 1 of demand, which" in answer.err
    assert "mlops-stacks release demand none -e dev" in answer.err
    assert executor.brought_up == ["shop-shared", "shop-dev"]
    lifted = cli("release", "demand", "none", "-e", "dev")
    assert "dev serves no version of demand after the next `up` (before: 1)" in lifted.out
    assert "Warning" not in cli("up", "-e", "dev").err


def test_up_takes_nothing_away_that_serves_because_the_registry_lost_it(cli: Cli, server: FakeServer) -> None:
    server.add(1, "approved")
    cli("release", "demand", "1", "-e", "dev")
    server.tags.clear()
    executor: Any = deploying.executor_for(None, None, None)  # type: ignore[arg-type]
    answer = cli("up", "-e", "dev")
    assert answer.code == 1
    assert "the registry has no version 1 of demand, which is the release of dev" in answer.err
    assert executor.brought_up == ["shop-shared"]


def test_a_lifted_release_takes_along_rejections_of_versions_that_are_gone(cli: Cli, server: FakeServer) -> None:
    for number in (1, 2):
        server.add(number, "approved")
        cli("release", "demand", str(number), "-e", "dev")
    cli("reject", "demand", "2", "--reason", "drifts")
    del server.tags[2]
    cli("release", "demand", "none", "-e", "dev")
    server.add(2, "approved")
    assert cli("release", "demand", "2", "-e", "dev").code == 0, "another version bears its number now"


def test_a_release_is_lifted_without_a_registry(cli: Cli, server: FakeServer) -> None:
    server.add(1, "approved")
    cli("release", "demand", "1", "-e", "dev")
    executor: Any = deploying.executor_for(None, None, None)  # type: ignore[arg-type]
    executor.exports.clear()
    assert cli("release", "demand", "none", "-e", "dev").code == 0
    assert "no model `deman`" in cli("release", "deman", "none", "-e", "dev").err
    assert yaml.safe_load((cli.folder / "releases" / "shop" / "dev.yaml").read_text()) == {}


@pytest.mark.parametrize(("lifecycle", "left"), [("delete", set()), ("retain", {"dev.yaml", "prod.yaml"})])
def test_release_locks_go_with_the_registry_and_stay_with_it(
    cli: Cli, server: FakeServer, lifecycle: str, left: set[str]
) -> None:
    cli.write(f"{MINIMAL}lifecycle: {lifecycle}\n")
    server.add(1, "approved")
    for environment in ("dev", "prod"):
        cli("release", "demand", "1", "-e", environment)
    locks = cli.folder / "releases"
    assert cli("destroy", "--yes", "-e", "dev").code == 0
    assert {path.name for path in locks.rglob("*.yaml")} == {"dev.yaml", "prod.yaml"}, "the registry is still there"
    answer = cli("destroy", "--yes")
    assert answer.code == 0, answer.text
    assert {path.name for path in locks.rglob("*.yaml")} == left
    assert locks.exists() == bool(left)
    assert ("prod.yaml was removed: the registry with its versions is gone" in answer.err) == (not left)


@pytest.mark.parametrize("left", [(), ("urn:half",)])
def test_only_a_destroy_that_had_something_to_do_takes_locks_along(
    cli: Cli, server: FakeServer, left: tuple[str, ...]
) -> None:
    cli.write(f"{MINIMAL}lifecycle: delete\n")
    server.add(1, "approved")
    cli("release", "demand", "1", "-e", "dev")
    executor: Any = deploying.executor_for(None, None, None)  # type: ignore[arg-type]
    executor.exports.clear()
    executor.left = left
    assert cli("destroy", "--yes").code == 0
    assert (_lock(cli, "dev") == {}) == bool(left), "what a destroy that was cut off has left counts"


def test_an_approval_after_a_rejection_counts(cli: Cli, server: FakeServer) -> None:
    server.add(1, "approved")
    cli("release", "demand", "1", "-e", "dev")
    cli("reject", "demand", "1", "--reason", "drifts")
    answer = cli("approve", "demand", "1")
    assert "dev no longer says that it was rejected" in answer.err
    assert cli("release", "demand", "1", "-e", "dev").code == 0
    assert cli("up", "-e", "dev").code == 0


def test_a_commit_is_asked_for_only_where_git_would_take_it(cli: Cli, server: FakeServer) -> None:
    for number in (1, 2, 3):
        server.add(number, "approved")
    assert "commit it" not in cli("release", "demand", "1", "-e", "dev").err, "this is no repository"
    subprocess.run(["git", "init", "--quiet"], cwd=cli.folder, check=True)
    told = cli("release", "demand", "2", "-e", "dev").err
    assert "dev.yaml; commit it, then: mlops-stacks up --environment dev" in told
    cli.write("releases/\n", ".gitignore")
    assert "dev.yaml; then: mlops-stacks up" in cli("release", "demand", "3", "-e", "dev").err


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
