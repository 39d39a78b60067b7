"""The first step of a baseline pipeline, run here: its command as the rendered definition has it, with `file:` URIs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws.monitoring.test_aws_monitoring_component import EVERYTHING, planned, watched
from runtime.runtime_helpers import HERE, runtime, step_settings_document, write_document

from mlops_components.spec.pipeline import STEPS

pytest_plugins = ["components.aws_plans"]

Plans = Callable[..., Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that registered version 3."""
    folder = tmp_path_factory.mktemp("reference")
    settings = write_document(folder / "settings.json", step_settings_document())
    for step in STEPS[:-1]:
        done = runtime("step", step, "--settings", settings, "--run", (folder / "runs" / "first").as_uri())
        assert done.returncode == 0, done.stderr
    write_document(folder / "runs" / "first" / "registered.json", {"version": "3"})
    return folder


def command(plan_aws: Plans, place: Plans) -> list[str]:
    plan = planned(plan_aws, place, {"delay": watched(**EVERYTHING)})
    definition = json.loads(plan.resource("monitoring-delay-baseline").inputs["pipelineDefinition"])
    entry: list[str] = definition["Steps"][0]["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
    return entry


def reference_settings(folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "model": "things",
        "version": "3",
        "workload": {"entry_point": "tiny_workload:workload", "path": str(HERE)},
        "runs": [(folder / "elsewhere").as_uri(), (folder / "runs").as_uri()],
        "output": (folder / "output").as_uri(),
        "columns": {},
        **more,
    }


def test_the_command_of_the_pipeline_writes_a_table_for_each_analyzer(run: Path, plan_aws: Plans, place: Plans) -> None:
    entry = command(plan_aws, place)
    assert entry[:3] == ["python", "-m", "mlops_stacks.runtime"]
    settings = write_document(run / "reference.json", reference_settings(run))
    done = runtime(*[settings if part.startswith("s3://") else part for part in entry[3:]])
    assert done.returncode == 0, done.stderr
    tables = {}
    for name in ("inputs", "labelled", "bias", "explainability"):
        with (run / "output" / name / "data.csv").open(newline="") as file:
            tables[name] = list(csv.reader(file))
    names = tables["inputs"][0]
    assert names[-1] == "prediction"
    assert tables["labelled"][0] == ["prediction", "label"]
    rows = len(tables["inputs"]) - 1
    assert rows == len(tables["labelled"]) - 1 == len(tables["bias"]) == len(tables["explainability"]) > 0
    assert tables["bias"][0] == [*tables["explainability"][0], tables["labelled"][1][1], tables["labelled"][1][0]]
    assert {row[1] for row in tables["labelled"][1:]} == {"0", "1"}


def test_what_cannot_be_written_is_said_in_words(run: Path) -> None:
    for changes, sentence in (
        ({"version": "4"}, "that registered version 4"),
        ({"columns": {"bias": ["hour"]}}, "the monitor `bias` lists the columns hour, but the model's inputs are"),
    ):
        settings = write_document(run / "bad.json", reference_settings(run, **changes))
        done = runtime("reference", "--settings", settings)
        assert done.returncode == 2
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
