"""`plan` and `render`, on this machine alone."""

from __future__ import annotations

import json

import pytest
from cli_runner import MINIMAL, Cli

pytest_plugins = ["cli_fixtures"]


def test_plan_as_text_groups_by_stage(cli: Cli) -> None:
    cli.write()
    answer = cli("plan")
    assert answer.code == 0
    assert "experiment_tracking" in answer.out
    assert "shop-prod" in answer.out


def test_plan_of_one_environment_has_the_shared_scope_and_no_other(cli: Cli) -> None:
    cli.write()
    found = json.loads(cli("plan", "--environment", "dev", "--format", "json").out)
    assert {resource["scope"] for resource in found["resources"]} == {"shared", "dev"}
    assert found["environment"] == "dev"


def test_plan_as_markdown_into_a_file(cli: Cli) -> None:
    cli.write()
    answer = cli("plan", "--format", "markdown", "--output", "plan.md")
    assert answer.code == 0
    assert answer.out == ""
    assert "```mermaid" in (cli.folder / "plan.md").read_text()


def test_plan_as_text_into_a_file_is_the_plain_tree(cli: Cli) -> None:
    cli.write()
    cli("plan", "-o", "plan.txt")
    text = (cli.folder / "plan.txt").read_text()
    assert "shop-prod" in text
    assert "\x1b" not in text


def test_error_findings_are_exit_code_1_and_the_plan_is_still_shown(cli: Cli) -> None:
    cli.write(MINIMAL + "overrides: [{type: 'aws:s3/*', set: {a: 1}}]\n")
    answer = cli("plan", "--format", "json")
    assert answer.code == 1
    found = json.loads(answer.out)
    assert [f["rule"] for f in found["findings"] if f["severity"] == "error"] == ["override-matches-nothing"]


def test_an_unknown_environment_is_wrong_usage(cli: Cli) -> None:
    cli.write()
    answer = cli("plan", "-e", "staging")
    assert answer.code == 2
    assert "dev, prod" in answer.err


def test_a_rejected_release_is_refused_with_its_reason(cli: Cli) -> None:
    cli.write()
    cli.write(
        """\
        models:
          demand:
            version: 3
            rejected: [{version: 3, reason: drifts, rejected_at: 2025-01-02T03:04:05Z}]
        """,
        "releases/shop/prod.yaml",
    )
    answer = cli("plan")
    assert answer.code == 1
    assert "version 3 was rejected on 2025-01-02: drifts" in answer.err


def test_render_writes_each_document_by_stage_and_resource(cli: Cli) -> None:
    cli.write()
    answer = cli("render", "--to", "out", "-e", "dev")
    assert answer.code == 0
    written = {path.relative_to(cli.folder / "out").as_posix() for path in (cli.folder / "out").rglob("*.json")}
    assert "dev/training_pipeline/training-pipeline-demand-pipeline/content.json" in written
    pipeline = json.loads(
        (cli.folder / "out/dev/training_pipeline/training-pipeline-demand-pipeline/content.json").read_text()
    )
    assert pipeline["pipeline"]["steps"][0]["name"] == "extract"
    assert set(answer.out.split()) == {f"out/{path}" for path in written}


def test_render_writes_the_policies_of_aws(cli: Cli) -> None:
    pytest.importorskip("pulumi_aws")
    cli("init", "--yes", "--platform", "aws", "--target", "account=123456789012", "--target", "region=eu-west-1")
    assert cli("render", "--to", "out").code == 0
    policies = [json.loads(path.read_text()) for path in (cli.folder / "out").rglob("*olicy*.json")]
    assert any("Statement" in policy for policy in policies)


def test_render_into_a_file_is_refused(cli: Cli) -> None:
    cli.write()
    cli.write("mine\n", "out")
    answer = cli("render", "--to", "out")
    assert answer.code == 1
    assert (cli.folder / "out").read_text() == "mine\n"
