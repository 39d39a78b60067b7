"""`up`, `outputs`, `status`, `destroy` with real processes: a foundation alone, which is a supervisor and folders."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from cli_runner import Cli

pytest_plugins = ["cli_fixtures"]

FOUNDATION = """\
schema_version: 1
name: tiny
platform: local
lifecycle: delete
environments: {dev: {}}
stages: [foundation]
"""


@pytest.fixture
def deployed(cli: Cli) -> Iterator[Cli]:
    """A foundation that is up, and gone afterwards whatever the test did."""
    cli.write(FOUNDATION)
    assert cli("up").code == 0
    yield cli
    cli.write(FOUNDATION)
    assert cli("destroy", "--yes").code == 0


def test_up_says_a_line_for_each_resource_and_a_second_up_says_nothing_changed(cli: Cli, deployed: Cli) -> None:
    again = cli("up")
    assert again.code == 0
    assert "created" not in again.err
    assert "unchanged" in again.err
    assert "\x1b" not in again.text, "no control sequences where nobody looks"


def test_progress_of_a_first_up_and_of_a_destroy(cli: Cli) -> None:
    cli.write(FOUNDATION)
    up = cli("up")
    assert "created    foundation-supervisor  Supervisor" in up.err
    assert up.err.index("tiny-shared") < up.err.index("tiny-dev")
    assert "Done in" in up.err
    refused = cli("destroy")
    assert refused.code == 2, "nobody is asked where nobody is"
    gone = cli("destroy", "--yes")
    assert gone.code == 0
    assert "deleted    foundation-supervisor" in gone.err
    assert gone.out == "Destroyed tiny.\n"
    assert not list((cli.folder / ".mlops-stacks" / "tiny").glob("s*/*.json"))


def test_outputs_whole_by_key_and_as_json(cli: Cli, deployed: Cli) -> None:
    folder = str(cli.folder / ".mlops-stacks" / "tiny" / "dev")
    assert f"foundation.folder = {folder}" in cli("outputs").out.splitlines()
    assert cli("outputs", "foundation.folder").out == f"{folder}\n"
    assert json.loads(cli("outputs", "foundation", "--json").out)["folder"] == folder
    shared = cli("outputs", "foundation.folder", "-e", "shared").out
    assert shared == f"{cli.folder / '.mlops-stacks' / 'tiny' / 'shared'}\n"
    wrong = cli("outputs", "foundatoin")
    assert wrong.code == 2
    assert "did you mean `foundation`" in wrong.err


def test_status_before_and_after(cli: Cli) -> None:
    cli.write(FOUNDATION)
    before = json.loads(cli("status", "--json").out)
    assert {stage["deployed"] for stage in before["stages"]} == {False}
    cli("up")
    after = json.loads(cli("status", "--json").out)
    assert {stage["deployed"] for stage in after["stages"]} == {True}
    assert "foundation" in cli("status").out
    cli("destroy", "--yes")


def test_what_environments_stand_on_stays_while_they_are_there(cli: Cli) -> None:
    cli.write(FOUNDATION)
    cli("up")
    refused = cli("destroy", "--environment", "shared", "--yes")
    assert refused.code == 1
    assert "is what dev stand on" in refused.err
    assert cli("destroy", "--environment", "dev", "--yes").code == 0
    assert cli("destroy", "--environment", "shared", "--yes").code == 0


def test_what_is_not_deployed_is_refused_in_words(cli: Cli) -> None:
    cli.write(FOUNDATION)
    answer = cli("outputs")
    assert answer.code == 1
    assert "up" in answer.err


def test_protected_data_stops_a_destroy_before_it_begins(cli: Cli, deployed: Cli) -> None:
    cli.write(FOUNDATION.replace("lifecycle: delete", "lifecycle: protect"))
    assert cli("up").code == 0
    answer = cli("destroy", "--yes")
    assert answer.code == 1
    assert "protected" in answer.err
    assert "deleted" not in answer.err.replace("was deleted", "").replace("is deleted", "").replace(
        "deleted because", ""
    )
    cli.write(FOUNDATION)
    assert cli("up").code == 0


def test_the_pulumi_executor_says_that_it_needs_the_cli(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write(FOUNDATION)
    monkeypatch.setenv("PATH", "")
    answer = cli("up", "--executor", "pulumi")
    assert answer.code == 1
    assert "Pulumi CLI is not on PATH" in answer.err


def test_a_damaged_state_is_named_and_kept(cli: Cli, deployed: Cli) -> None:
    state = cli.folder / ".mlops-stacks" / "tiny" / "state" / "tiny-dev.json"
    good = state.read_bytes()
    state.write_bytes(b"{}")
    answer = cli("up")
    assert answer.code == 1
    assert str(state) in answer.err
    assert state.read_bytes() == b"{}"
    state.write_bytes(good)
