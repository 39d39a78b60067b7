"""`init`, `validate`, `schema`, `platforms`."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest
import yaml
from cli_runner import MINIMAL, Cli
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_stacks.blueprint.engines import ENGINES
from mlops_stacks.cli.main import run

pytest_plugins = ["cli_fixtures"]


def test_init_writes_a_blueprint_that_validates_and_plans(cli: Cli) -> None:
    assert cli("init", "--yes", "--name", "shop", "-e", "dev", "-e", "prod").code == 0
    written = yaml.safe_load((cli.folder / "blueprint.yaml").read_text())
    assert list(written["environments"]) == ["dev", "prod"]
    assert cli("validate").code == 0
    assert cli("plan").code == 0
    assert ".mlops-stacks/" in (cli.folder / ".gitignore").read_text().splitlines()


def test_init_with_a_model_names_its_code(cli: Cli) -> None:
    assert cli("init", "--yes", "--model", "demand", "--workload", "shop.code:workload").code == 0
    written = yaml.safe_load((cli.folder / "blueprint.yaml").read_text())
    assert written["models"] == {"demand": {}}
    assert written["workload"]["entry_point"] == "shop.code:workload"
    assert cli("validate").code == 0


def test_init_writes_a_pulumi_project_whose_program_is_ours(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init", "--yes")
    project = yaml.safe_load((cli.folder / "Pulumi.yaml").read_text())
    assert project["name"] == "mlops-stacks"
    assert project["config"]["blueprint"]["default"] == "blueprint.yaml"
    assert "main" not in project, "the program is __main__.py beside it"
    started: list[str] = []
    monkeypatch.setattr(runpy, "run_module", lambda name, run_name: started.append(name))
    monkeypatch.setattr(sys, "argv", ["__main__.py"])
    runpy.run_path(str(cli.folder / "__main__.py"), run_name="__main__")
    assert started == ["mlops_stacks.program"]


def test_init_for_aws_needs_a_target(cli: Cli) -> None:
    refused = cli("init", "--yes", "--platform", "aws")
    assert refused.code == 2
    assert "--target account=" in refused.err
    assert list(cli.folder.iterdir()) == []
    made = cli("init", "--yes", "--platform", "aws", "--target", "account=123456789012", "--target", "region=eu-west-1")
    assert made.code == 0, made.err
    assert cli("validate").code == 0
    assert "# Once these are decided: workbench (a network); " in (cli.folder / "blueprint.yaml").read_text()


@pytest.mark.parametrize("file", ["blueprint.yaml", "Pulumi.yaml", "__main__.py"])
def test_init_never_overwrites(cli: Cli, file: str) -> None:
    cli.write("mine\n", file)
    answer = cli("init", "--yes")
    assert answer.code == 1
    assert file in answer.err
    assert (cli.folder / file).read_text() == "mine\n"
    assert [path.name for path in cli.folder.iterdir()] == [file], "nothing else was written either"


def test_init_leaves_a_gitignore_alone(cli: Cli) -> None:
    cli.write("mine\n", ".gitignore")
    assert cli("init", "--yes").code == 0
    assert (cli.folder / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--platform", "mars"), "no platform `mars`"),
        (("--name", "Not A Name"), "name"),
        (("--target", "account"), "key=value"),
    ],
)
def test_init_refuses_in_words(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    answer = cli("init", "--yes", *arguments)
    assert answer.code in {1, 2}
    assert words in answer.err
    assert list(cli.folder.iterdir()) == []


def test_validate_says_every_problem_with_its_line(cli: Cli) -> None:
    cli.write(MINIMAL.replace("release:", "relaese:").replace("serving]", "serveing]"))
    answer = cli("validate")
    assert answer.code == 1
    assert "blueprint.yaml:5" in answer.err
    assert "blueprint.yaml:8" in answer.err
    assert "did you mean `release`" in answer.err


def test_validate_as_json(cli: Cli) -> None:
    cli.write()
    found = json.loads(cli("validate", "--json").out)
    (lack,) = found.pop("warnings")
    assert found == {"valid": True, "problems": []}
    assert lack["message"] == f"the folder {cli.folder / 'code'} is not there"
    cli.write(MINIMAL.replace("schema_version: 1", "schema_version: 7"))
    answer = cli("validate", "--json")
    found = json.loads(answer.out)
    assert answer.code == 1
    assert found["valid"] is False
    assert {"file", "line", "field", "message", "fix"} == set(found["problems"][0])


def test_which_blueprint_is_meant(cli: Cli) -> None:
    assert cli("validate").code == 2
    only = cli.write(name="blueprints/one.yaml")
    assert "one.yaml" in cli("validate").out
    cli.write(name="blueprints/two.yaml")
    several = cli("validate")
    assert several.code == 2
    assert "one.yaml, two.yaml" in several.err
    for arguments in (("-b", str(only), "validate"), ("validate", "--blueprint", str(only))):
        assert "one.yaml" in cli(*arguments).out


def test_a_blueprint_that_is_not_there(cli: Cli) -> None:
    cli.write()
    answer = cli("validate", "-b", "blueprnt.yaml")
    assert answer.code == 1
    assert "did you mean `blueprint.yaml`" in answer.err


def test_platforms_is_made_of_the_table_of_engines(cli: Cli) -> None:
    rows = json.loads(cli("platforms", "--json").out)
    assert {(r["stage"], r["engine"]) for r in rows} == {(e.stage.value, e.name) for e in ENGINES}
    assert all(
        r["ready"]
        == next(
            e for e in ENGINES if (e.name, e.stage, e.platform) == (r["engine"], r["stage"], r["platform"])
        ).has_component
        for r in rows
    )
    assert "feature_store" in cli("platforms").out


def test_schema_goes_to_stdout_or_a_file(cli: Cli) -> None:
    shown = cli("schema")
    assert json.loads(shown.out)["$schema"]
    assert cli("schema", "--output", "out/schema.json").code == 0
    assert (cli.folder / "out" / "schema.json").read_text() == shown.out


@settings(max_examples=60)
@given(
    content=st.one_of(st.binary(max_size=400), st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore")))
)
def test_no_content_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "blueprint.yaml"
    path.write_bytes(content)
    _refused_without_report(path)


@settings(max_examples=60)
@given(data=st.data())
def test_no_damaged_blueprint_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(MINIMAL)))
    end = data.draw(st.integers(begin, min(len(MINIMAL), begin + 40)))
    text = MINIMAL[:begin] + data.draw(st.text("abc:{}[]-#&*!|>'\"%@` \n\t0.~é", max_size=12)) + MINIMAL[end:]
    path = tmp_path_factory.mktemp("damaged") / "blueprint.yaml"
    path.write_text(text, encoding="utf-8")
    assert run(["validate", "-b", str(path)]) in {0, 1}


def _refused_without_report(path: Path) -> None:
    """Random bytes are never a blueprint, and never a fault of ours (which would be exit code 3)."""
    assert run(["validate", "-b", str(path)]) == 1
