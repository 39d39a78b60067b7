"""SageMaker Experiments: what is made, what SageMaker would say to it, and a run that steps record in the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from aws.shapes import check_request, check_shape
from compose.documents import aws
from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import ScopePlan
from mlops_stacks.runtime.errors import TrackingError
from mlops_stacks.runtime.folder import RunFolder
from mlops_stacks.runtime.tracking import open_tracker
from mlops_stacks.runtime.tracking_sagemaker import run_name

REGION = "eu-central-1"
URI = f"sagemaker-experiments://{REGION}"


def dev(lifecycle: str = "retain", models: tuple[str, ...] = ("flight_delay", "price")) -> ScopePlan:
    stages = {"foundation": {}, "experiment_tracking": {"engine": "sagemaker_experiments", "lifecycle": lifecycle}}
    planned = plan(project_of(aws(stages=stages, models={model: {} for model in models}), Path("/project")))
    assert planned.errors == ()
    return next(scope for scope in planned.scopes if scope.scope == "dev")


def test_each_model_has_an_experiment_that_sagemaker_would_take() -> None:
    scope = dev()
    made = {r.name: r for r in scope.resources if r.custom and r.type.endswith(":Experiment")}
    assert sorted(made) == ["experiment-tracking-flight_delay", "experiment-tracking-price"]
    for resource in made.values():
        tags = [{"Key": tag["key"], "Value": tag["value"]} for tag in resource.inputs["tags"]]
        call = {"ExperimentName": resource.inputs["experimentName"], "Tags": tags}
        assert check_request("sagemaker", "CreateExperiment", call) == []
    outputs = scope.outputs["experiment_tracking"]
    assert outputs["tracking_uri"] == "sagemaker-experiments://eu-west-1"
    assert outputs["experiments"]["price"] == made["experiment-tracking-price"].inputs["experimentName"]


@pytest.mark.parametrize(
    ("lifecycle", "expected"), [("delete", {}), ("retain", {"retainOnDelete": True}), ("protect", {"protect": True})]
)
def test_recorded_runs_are_data(lifecycle: str, expected: dict[str, Any]) -> None:
    for resource in dev(lifecycle).resources:
        if resource.custom and resource.type.endswith(":Experiment"):
            assert {k: v for k, v in resource.options.items() if k in ("retainOnDelete", "protect") and v} == expected


def test_every_run_of_every_model_has_a_name_of_its_own_that_sagemaker_takes() -> None:
    models = ("m" * 40, "m" * 39 + "x")
    experiments = dev(models=models).outputs["experiment_tracking"]["experiments"].values()
    runs = ("Run 1", "run-1", "ä", "x" * 200, "2026-11-21T10:00:00Z")
    names = [run_name(experiment, run) for experiment in experiments for run in runs]
    assert len(set(names)) == len(names)
    for name in names:
        assert check_shape("sagemaker", "ExperimentEntityName", name) == []
        assert check_shape("sagemaker-metrics", "ExperimentEntityName", name) == []


def settings(**more: Any) -> Any:
    return {
        "blueprint": "flights",
        "environment": "dev",
        "model": "flight_delay",
        "tracking_uri": URI,
        "experiment": "flights-dev-flight-delay",
        "registry_uri": None,
        **more,
    }


def component(name: str) -> Any:
    return boto3.client("sagemaker", region_name=REGION).describe_trial_component(TrialComponentName=name)


def test_steps_record_one_run_whichever_comes_next(emulator: str, tmp_path: Path) -> None:
    boto3.client("sagemaker", region_name=REGION).create_experiment(ExperimentName="flights-dev-flight-delay")
    folder = RunFolder(f"file://{tmp_path}/run-1")
    model = tmp_path / "saved"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}")
    first = open_tracker(settings(), folder)
    assert first is not None
    first.log(parameters={"depth": 3, "kind": "forest"}, metrics={f"m{n}": n / 10 for n in range(23)})
    first.log_model(model)
    # The next step finds the same run, also where the record of it was not written.
    (tmp_path / "run-1" / "tracking.json").unlink()
    second = open_tracker(settings(), folder)
    assert second is not None
    assert second.run_id == first.run_id
    second.log_document("evaluation.json", {"auc": 0.7})
    second.finish(succeeded=True)
    recorded = component(first.run_id)
    assert recorded["Parameters"]["depth"] == {"NumberValue": 3.0}
    assert recorded["Parameters"]["kind"] == {"StringValue": "forest"}
    assert recorded["Parameters"]["mlops_stacks.pipeline_run"] == {"StringValue": "run-1"}
    assert recorded["Status"]["PrimaryStatus"] == "Completed"
    assert set(recorded["OutputArtifacts"]) == {"model", "evaluation.json"}
    assert (tmp_path / "run-1" / "model" / "MLmodel").exists()
    assert (tmp_path / "run-1" / "evaluation.json").exists()
    trials = boto3.client("sagemaker", region_name=REGION).list_trials(ExperimentName="flights-dev-flight-delay")
    assert [trial["TrialName"] for trial in trials["TrialSummaries"]] == [first.run_id]


def test_a_run_that_failed_says_so_and_may_end_anew(emulator: str, tmp_path: Path) -> None:
    boto3.client("sagemaker", region_name=REGION).create_experiment(ExperimentName="flights-dev-flight-delay")
    folder = RunFolder(f"file://{tmp_path}/run-2")
    tracker = open_tracker(settings(), folder)
    assert tracker is not None
    tracker.finish(succeeded=False)
    assert component(tracker.run_id)["Status"]["PrimaryStatus"] == "Failed"
    again = open_tracker(settings(), folder)
    assert again is not None
    again.finish(succeeded=True)
    assert component(again.run_id)["Status"]["PrimaryStatus"] == "Completed"


def test_a_service_that_does_not_answer_is_a_sentence(
    emulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(TrackingError, match="the run could not be started in the experiment flights-dev-flight-delay"):
        open_tracker(settings(), RunFolder(f"file://{tmp_path}/run-3"))
