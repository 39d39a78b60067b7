"""What `pulumi up` runs, without the CLI: under the planner's monitor, as the engine would call it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
import yaml

from mlops_stacks import program
from mlops_stacks.executors.names import PULUMI_PROJECT, StackIdentity
from mlops_stacks.executors.planner import plan_scope
from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import ScopePlan

ROOT = Path(__file__).parents[2]
BLUEPRINT = """\
schema_version: 1
name: tiny
platform: local
environments: {dev: {}}
stages: [foundation]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "tiny.yaml").write_text(BLUEPRINT)
    return tmp_path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The CLI starts a program in the folder of its file, not in the project's."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    pulumi.runtime.set_all_config({})


def run(root: Path, stack: str, blueprint: str | None = "plans/tiny.yaml", scope: str = "shared") -> ScopePlan:
    config = {} if blueprint is None else {f"{PULUMI_PROJECT}:blueprint": blueprint}

    def entry() -> None:
        pulumi.runtime.set_all_config(config)
        program.main()

    identity = StackIdentity(PULUMI_PROJECT, stack, root)
    return plan_scope(entry, identity, scope=scope, platform="local", earlier=None)


def test_registers_what_the_blueprint_says(folder: Path) -> None:
    planned = run(folder, "tiny-shared")
    expected = plan(open_project(folder / "plans" / "tiny.yaml", folder, releases=True)).scopes[0]
    assert [resource.urn for resource in planned.resources] == [resource.urn for resource in expected.resources]
    assert planned.outputs == expected.outputs


def test_paths_are_taken_from_the_project_folder(folder: Path) -> None:
    inputs = [resource.inputs for resource in run(folder, "tiny-shared").resources]
    assert str(folder / "plans" / ".mlops-stacks" / "tiny") in str(inputs)


def test_an_absolute_path_is_taken_as_it_is(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    planned = run(other, "tiny-shared", str(folder / "plans" / "tiny.yaml"))
    assert any(resource.stage == "foundation" for resource in planned.resources)


def test_without_config_the_obvious_blueprint_is_meant(folder: Path) -> None:
    (folder / "blueprint.yaml").write_text(BLUEPRINT.replace("tiny", "obvious"))
    assert run(folder, "obvious-shared", None).stack == "obvious-shared"


@pytest.mark.parametrize("stack", ["tiny", "tiny-prod", "dev", "other-dev"])
def test_a_stack_of_another_name_is_refused(folder: Path, stack: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(folder, stack)
    assert f"stack `{stack}`" in str(refused.value)
    assert "tiny-shared, tiny-dev" in str(refused.value)


def test_a_wrong_blueprint_is_a_sentence(folder: Path) -> None:
    (folder / "plans" / "tiny.yaml").write_text(BLUEPRINT + "colour: red\n")
    with pytest.raises(pulumi.RunError, match="colour"):
        run(folder, "tiny-shared")


def test_a_missing_blueprint_is_a_sentence(folder: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"absent\.yaml"):
        run(folder, "tiny-shared", "absent.yaml")
    with pytest.raises(pulumi.RunError, match="mlops-stacks init"):
        run(folder / "plans", "tiny-shared", None)


def test_the_committed_project_names_this_program() -> None:
    settings = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert settings["name"] == PULUMI_PROJECT
    assert ROOT / settings["main"] == Path(program.__file__)
    assert settings["runtime"] == {"name": "python", "options": {"virtualenv": ".venv"}}
    default = ROOT / settings["config"]["blueprint"]["default"]
    assert open_project(default, ROOT, releases=True).blueprint.scopes
