"""`diff`: what differs between environments, blueprints and platforms, and what its exit code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from plan_builder import resource, scope_of

from mlops_stacks.blueprint import engine
from mlops_stacks.cli.main import run
from mlops_stacks.operations.comparing import CannotCompareError, compare_blueprints, compare_platforms
from mlops_stacks.operations.opening import open_project
from mlops_stacks.plan import SECRET
from mlops_stacks.reports.comparison import Comparison, compare_scopes, document, rows

LOCAL = """\
schema_version: 1
name: shop
platform: local
environments: {dev: {}, prod: {PROD}}
stages: [foundation, experiment_tracking, model_registry, training_pipeline, serving]
workload: {entry_point: shop.workload:workload, path: code}
models:
  demand: {parameters: {depth: 3}, pipeline: {retries: 1}}
"""
AWS = """\
schema_version: 1
name: shop
platform: aws
environments:
  dev: {target: {account: "111111111111", region: eu-west-1}}
  prod: {target: {account: "222222222222", region: eu-west-1}}
stages: [foundation]
"""


def write(folder: Path, text: str, name: str = "blueprint.yaml", **changes: str) -> Path:
    path = folder / name
    for word, value in {"PROD": "", **changes}.items():
        text = text.replace(word, value)
    path.write_text(text)
    return path


def diff(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(["diff", *arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def kinds(comparison: Comparison) -> set[tuple[str, str, str]]:
    return {(entry.kind, entry.scope, entry.difference.name) for entry in comparison.entries if entry.kind != "renamed"}


def test_environments_that_differ_by_their_names_only_are_equal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, LOCAL)
    code, out, err = diff(capsys, "dev", "prod", "--blueprint", str(file))
    assert (code, out) == (0, "")
    assert "no difference" in err
    assert "differ by their own names only" in err
    code, out, _ = diff(capsys, "dev", "prod", "--names", "--blueprint", str(file))
    assert code == 0
    assert "/dev" in out


FEATURES = (
    LOCAL.replace("training_pipeline,", "feature_store, training_pipeline,")
    + """\
feature_groups:
  visits: {entity: shop, event_time: known_at, features: [{name: seen, type: integer}]}
"""
)


def test_a_feature_store_of_the_same_definitions_is_equal_and_other_definitions_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, FEATURES)
    code, out, _ = diff(capsys, "dev", "prod", "--blueprint", str(file))
    assert (code, out) == (0, "")
    other = write(tmp_path, FEATURES.replace("type: integer", "type: float"), "other.yaml")
    found = kinds(compare_blueprints(file, other))
    assert {(kind, scope) for kind, scope, name in found if name == "feature-store-feast"} == {
        ("changed", "dev"),
        ("changed", "prod"),
    }


def test_one_parameter_is_found_in_its_stage_with_both_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, LOCAL, PROD="models: {demand: {parameters: {depth: 9}}}")
    code, out, _ = diff(capsys, "dev", "prod", "--blueprint", str(file))
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "training_pipeline"
    assert [line for line in lines if not line.startswith(" ")] == ["training_pipeline"]
    (row,) = [line for line in lines if "models.demand.settings.parameters.depth" in line]
    assert row.split()[-2:] == ["3", "9"]


def test_json_has_what_the_table_has_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, LOCAL, PROD="models: {demand: {parameters: {depth: 9}}}")
    code, out, _ = diff(capsys, "dev", "prod", "--json", "--blueprint", str(file))
    found = json.loads(out)
    assert (code, found["equal"], found["left"], found["right"]) == (1, False, "dev", "prod")
    (stage,) = [each for each in found["stages"] if each["stage"] == "training_pipeline"]
    changed = [(i["path"], i["left"], i["right"]) for r in stage["resources"] for i in r["inputs"]]
    assert ("models.demand.settings.parameters.depth", "3", "9") in changed


def test_the_same_blueprint_in_another_folder_is_equal(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    one, two = write(tmp_path, LOCAL), write(tmp_path / "elsewhere", LOCAL)
    comparison = compare_blueprints(one, two)
    assert comparison.equal
    assert comparison.entries == ()


def test_a_stage_and_an_environment_that_one_blueprint_lacks(tmp_path: Path) -> None:
    one = write(tmp_path, LOCAL, "one.yaml")
    two = write(tmp_path, LOCAL.replace(", serving]", "]").replace(", prod: {PROD}", ""), "two.yaml")
    found = kinds(compare_blueprints(one, two))
    assert ("removed", "dev", "serving") in found
    assert ("removed", "prod", "training-pipeline") in found
    assert {kind for kind, _, _ in found} <= {"removed", "changed"}
    backwards = kinds(compare_blueprints(two, one))
    assert {("added", scope, name) for kind, scope, name in found if kind == "removed"} <= backwards


def test_a_renamed_blueprint_differs_by_names_only(tmp_path: Path) -> None:
    one = write(tmp_path, AWS, "one.yaml")
    two = write(tmp_path, AWS.replace("name: shop", "name: bazaar"), "two.yaml")
    comparison = compare_blueprints(one, two)
    changed = [row for stage in ("foundation", "other") for row in rows(comparison, stage)]
    assert comparison.equal, changed[:5]
    assert comparison.entries


def test_a_move_to_another_platform_names_stages_without_a_component_and_fields_without_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there_is = engine._module_exists
    unwritten = "mlops_components.serving.sagemaker"  # the default one counts
    monkeypatch.setattr(engine, "_module_exists", lambda module: module != unwritten and there_is(module))
    comparison = compare_platforms(open_project(write(tmp_path, LOCAL), tmp_path), "aws")
    remarks = {remark.stage: remark.text for remark in comparison.remarks}
    assert remarks["serving"].startswith("no component on aws yet (planned: SageMaker endpoints")
    assert "training_pipeline" not in remarks
    assert "workload.path" in remarks["blueprint"]
    found = kinds(comparison)
    assert ("removed", "shared", "foundation-supervisor") in found
    assert ("added", "dev", "foundation-data-encryption") in found
    assert not comparison.equal


def test_a_move_to_a_platform_without_components_says_so_for_every_stage(tmp_path: Path) -> None:
    comparison = compare_platforms(open_project(write(tmp_path, LOCAL), tmp_path), "gcp")
    assert len([r for r in comparison.remarks if "no component on gcp yet" in r.text]) == 5
    assert {entry.kind for entry in comparison.entries} == {"removed"}


def test_a_move_and_back_again_shows_the_same_resources(tmp_path: Path) -> None:
    there = compare_platforms(open_project(write(tmp_path, AWS), tmp_path), "local")
    assert {remark.stage for remark in there.remarks} == set()
    assert ("added", "prod", "foundation-data") in kinds(there)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["dev"], 2, "name two environments or two blueprints"),
        (["dev", "blueprint.yaml"], 2, "not one of each"),
        (["dev", "nowhere"], 2, "no environment `nowhere`"),
        (["local", "aws"], 2, "`aws` is a platform and no environment of blueprint.yaml"),
        (["dev", "gcp"], 2, "mlops-stacks diff --platform gcp"),
        (["blueprint.yaml", "nowhere.yaml"], 1, "nowhere.yaml"),
        (["--platform", "moon"], 1, "no platform `moon`; choose one of aws, gcp"),
        (["--platform", "local"], 1, "is on local already"),
        (["a.yaml", "b.yaml", "--platform", "aws"], 2, "name one blueprint at most"),
    ],
)
def test_what_cannot_be_compared_is_said_in_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, LOCAL)
    ended, _, err = diff(capsys, *arguments)
    assert (ended, said in err) == (code, True), err


def test_secrets_are_compared_masked_and_a_long_text_to_its_end() -> None:
    long = "x" * 5_000
    left, right = (
        scope_of(
            resource("aws:s3/bucket:Bucket", "one", {"password": SECRET, "text": long + end}, scope=scope), scope=scope
        )
        for scope, end in (("dev", "a"), ("prod", "b"))
    )
    found = document(compare_scopes(left, right))
    (changed,) = [r for s in found["stages"] for r in s["resources"] if r["name"] == "one"]
    assert [i["path"] for i in changed["inputs"]] == ["text"]
    assert not found["equal"]


def test_the_same_platform_is_refused_in_code_too(tmp_path: Path) -> None:
    with pytest.raises(CannotCompareError, match="choose another platform"):
        compare_platforms(open_project(write(tmp_path, AWS), tmp_path), "aws")
