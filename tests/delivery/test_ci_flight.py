"""CI 1 on the workload of the example, under the settings that the blueprint of the laptop gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from delivery_helpers import commit, git

from mlops_components.local.code_providers import GitRepositoryProvider
from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.planning import plan
from mlops_stacks.runtime.delivery.records import read_packages

ROOT = Path(__file__).parents[2]
SMALL = {"train_until": "2013-01-10", "evaluate_until": "2013-01-14", "iterations": 20}
TEST = """\
from flight_delay.workload import FlightDelay

def test_it_predicts_what_its_name_says():
    assert FlightDelay.label == "late"
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_example_becomes_a_package_whose_pipeline_was_tried(tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "blueprints" / "local.yaml").read_text())
    document["workload"]["path"] = "copy"
    document["stages"]["continuous_integration"] = {"smoke_parameters": SMALL}
    (tmp_path / "blueprint.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    planned = plan(open_project(None, tmp_path))
    settings = next(r for r in planned.resources if r.name == "continuous-integration-settings")
    known = json.loads(str(settings.inputs["content"]))
    places = {name: str(tmp_path / ".mlops-stacks/local/shared/ci" / name) for name in ("builds", "packages")}
    (tmp_path / "settings.json").write_text(json.dumps({**known, **places}))

    copy, bare = tmp_path / "copy", tmp_path / "repository.git"
    shutil.copytree(ROOT / "examples" / "flight_delay", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "test_flight.py").write_text(TEST)
    git("init", "--quiet", "--initial-branch=main", folder=copy)
    pushed = commit(copy, "begin")
    command = ["python", "-m", "mlops_stacks.runtime", "ci", "--settings", str(tmp_path / "settings.json")]
    properties = {"path": str(bare), "branch": "main", "command": command, "with_commits": True}
    GitRepositoryProvider().create(properties)
    git("push", str(bare), "HEAD:main", folder=copy)

    (package,) = read_packages(Path(places["packages"]))
    assert package.commit == pushed
    assert package.models["delay"]["auc"] > 0.5
