"""What a SageMaker pipeline is made of: each step is a request that SageMaker takes, and a command that runs here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws.shapes import check_request, check_shape

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))
sys.path.insert(0, str(Path(__file__).parent))

from runtime_helpers import HERE as TINY
from training_plans import IMAGE, document, names, planned, resolved, resource, steps_of

from mlops_stacks.plan import Plan

STEPS = ["extract", "validate", "prepare", "train", "evaluate", "validate_model"]
TUNING = {
    "metric": "accuracy",
    "trials": 4,
    "ranges": [{"parameter": "shift", "minimum": 0.01, "maximum": 0.5, "scale": "logarithmic"}],
    "choices": [{"parameter": "rows", "values": ["200", "400"]}],
}
BIAS = {"label": "big", "positive": "1", "facet": "colour", "groups": ["red"]}


@pytest.fixture(scope="module")
def plain() -> Plan:
    return planned(document())


@pytest.fixture(scope="module")
def rich() -> Plan:
    """With everything that may be asked for."""
    options = {"volume_gb": 50, "flexible_minutes": 15, "cache_hours": 24}
    pipeline = {
        "tuning": TUNING,
        "bias_check": BIAS,
        "compute": {"gpu": {"count": 1}, "spot": True},
        "triggers": {},
    }
    return planned(document(options=options, pipeline=pipeline))


def test_the_steps_come_in_order_and_registering_behind_a_condition(plain: Plan) -> None:
    steps = steps_of(plain)
    assert list(steps) == [*STEPS, "is_accepted", "register", "refused"]
    assert [step.get("DependsOn", []) for step in list(steps.values())[:7]] == [
        [],
        *([step] for step in STEPS),
    ]
    condition = steps["is_accepted"]["Arguments"]
    assert condition["Conditions"][0]["LeftValue"]["Std:JsonGet"]["Path"] == "accepted"
    assert [step["Name"] for step in condition["IfSteps"]] == ["register"]
    assert [step["Type"] for step in condition["ElseSteps"]] == ["Fail"]
    assert steps["validate_model"]["PropertyFiles"] == [
        {"PropertyFileName": "decision", "OutputName": "decision", "FilePath": "decision.json"}
    ]


_OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "Tuning": "CreateHyperParameterTuningJob",
    "ClarifyCheck": "CreateProcessingJob",
}


@pytest.mark.parametrize("which", ["plain", "rich"])
def test_each_step_is_a_request_that_sagemaker_takes(which: str, request: pytest.FixtureRequest) -> None:
    steps = steps_of(request.getfixturevalue(which))
    checked = 0
    for name, step in steps.items():
        assert check_shape("sagemaker", "StepName", name) == []
        if step["Type"] in _OPERATIONS:
            # SageMaker itself names the job of a check.
            named = {"ProcessingJobName": "pipelines-0"} if step["Type"] == "ClarifyCheck" else {}
            request_ = {**named, **step["Arguments"]}
            complaints = check_request("sagemaker", _OPERATIONS[step["Type"]], request_, references=True)
            assert complaints == [], name
            checked += 1
    assert checked == len(steps) - 2


@pytest.mark.parametrize("which", ["plain", "rich"])
def test_the_pipeline_is_a_request_that_sagemaker_takes(which: str, request: pytest.FixtureRequest) -> None:
    made = resource(request.getfixturevalue(which), "training-pipeline-things").inputs
    call = {
        "PipelineName": made["pipelineName"],
        "PipelineDefinition": made["pipelineDefinition"],
        "PipelineDescription": made["pipelineDescription"],
        "PipelineDisplayName": made["pipelineDisplayName"],
        "RoleArn": made["roleArn"],
        "ClientRequestToken": "x" * 32,
    }
    assert check_request("sagemaker", "CreatePipeline", call) == []


def test_names_of_jobs_leave_room_for_what_sagemaker_appends(rich: Plan) -> None:
    for step in steps_of(rich).values():
        for key, limit in (("ProcessingJobName", 38), ("TrainingJobName", 38), ("HyperParameterTuningJobName", 7)):
            if key in step.get("Arguments", {}):
                assert len(step["Arguments"][key]) <= limit


def test_faults_of_the_service_are_tried_again_as_often_as_the_blueprint_says(plain: Plan) -> None:
    policies = steps_of(plain)["train"]["RetryPolicies"]
    assert {policy["MaxAttempts"] for policy in policies} == {2}
    assert ["SageMaker.CAPACITY_ERROR"] in [policy["ExceptionType"] for policy in policies]
    assert steps_of(plain)["train"]["Arguments"]["Environment"]["MLOPS_STACKS_RETRIES"] == "2"
    none = planned(document(pipeline={"retries": 0}))
    assert steps_of(none)["train"]["RetryPolicies"] == []


def test_what_is_asked_for_of_machines_is_in_each_job(rich: Plan) -> None:
    steps = steps_of(rich)
    for step in ("extract", "evaluate"):
        cluster = steps[step]["Arguments"]["ProcessingResources"]["ClusterConfig"]
        assert (cluster["InstanceType"], cluster["VolumeSizeInGB"]) == ("ml.g4dn.xlarge", 50)
        # A machine with a disk of its own takes no key for it.
        assert "VolumeKmsKeyId" not in cluster
        assert steps[step]["Arguments"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800}
    train = steps["train"]["Arguments"]
    assert train["EnableManagedSpotTraining"] is True
    assert train["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800, "MaxWaitTimeInSeconds": 3600}


def test_a_machine_that_can_only_train_does_and_the_other_steps_stay_on_the_stages_own() -> None:
    compute = {"instance_type": "ml.p4d.24xlarge"}
    tuning = {"ranges": [{"parameter": "shift", "minimum": 0.1, "maximum": 0.5}], "metric": "auc", "trials": 2}
    steps = steps_of(planned(document(pipeline={"compute": compute, "tuning": tuning})))
    used = {
        name: cluster["InstanceType"]
        for name, step in steps.items()
        for arguments in [step.get("Arguments", {})]
        for cluster in [
            arguments.get("ProcessingResources", {}).get("ClusterConfig")
            or arguments.get("ResourceConfig")
            or arguments.get("TrainingJobDefinition", {}).get("ResourceConfig")
        ]
        if cluster
    }
    assert used.pop("train") == used.pop("tune") == "ml.p4d.24xlarge"
    assert {"extract", "prepare", "evaluate"} <= set(used)
    assert set(used.values()) == {"ml.m5.xlarge"}


def test_tuning_comes_before_training_which_takes_the_best_of_it(rich: Plan) -> None:
    steps = steps_of(rich)
    tune, train = steps["tune"], steps["train"]
    assert (tune["Type"], tune["DependsOn"], train["DependsOn"]) == ("Tuning", ["prepare"], ["tune"])
    config = tune["Arguments"]["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}
    assert config["ParameterRanges"] == {
        "ContinuousParameterRanges": [
            {"Name": "shift", "MinValue": "0.01", "MaxValue": "0.5", "ScalingType": "Logarithmic"}
        ],
        "CategoricalParameterRanges": [{"Name": "rows", "Values": ["200", "400"]}],
    }
    environment = train["Arguments"]["Environment"]
    best = "Steps.tune.BestTrainingJob.TunedHyperParameters['shift']"
    assert environment["MLOPS_STACKS_PARAMETER_shift"] == {"Get": best}
    assert "MLOPS_STACKS_PARAMETER_shift" not in tune["Arguments"]["TrainingJobDefinition"]["Environment"]


def test_a_cached_run_goes_on_in_the_folder_of_the_run_that_it_takes_over(rich: Plan, plain: Plan) -> None:
    steps = steps_of(rich)
    execution = "Execution.PipelineExecutionId"
    for name in ("extract", "validate", "train", "tune", "validate_model"):
        arguments = steps[name]["Arguments"]
        assert steps[name]["CacheConfig"] == {"Enabled": True, "ExpireAfter": "PT24H"}
        # What SageMaker compares must not name the execution, or no two executions would ever be alike.
        compared = {key: arguments.get(key) for key in ("AppSpecification", "Environment", "AlgorithmSpecification")}
        assert execution not in json.dumps(compared)
    (copied,) = steps["extract"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert execution in json.dumps(copied["S3Output"]["S3Uri"])
    assert steps["extract"]["Arguments"]["AppSpecification"]["ContainerArguments"][-1] == (
        f"file://{copied['S3Output']['LocalPath']}"
    )
    assert "CacheConfig" not in steps["register"]
    assert not any("CacheConfig" in step for step in steps_of(plain).values())


def test_bias_is_a_report_until_there_is_a_baseline(rich: Plan) -> None:
    check = steps_of(rich)["bias"]
    assert (check["Type"], check["CheckType"], check["DependsOn"]) == ("ClarifyCheck", "DATA_BIAS", ["prepare"])
    assert (check["SkipCheck"], check["RegisterNewBaseline"]) == (True, True)
    assert check["Arguments"]["AppSpecification"]["ImageUri"].startswith("131013547314.dkr.ecr.eu-west-1.")
    stored = resource(rich, "training-pipeline-things-bias")
    # Clarify takes no other name than this in the folder of its configuration.
    assert re.fullmatch(r"settings/things-bias-[0-9a-f]+/analysis_config\.json", stored.inputs["key"])
    (given,) = [one for one in check["Arguments"]["ProcessingInputs"] if one["InputName"] == "analysis_config"]
    assert given["S3Input"]["S3Uri"].endswith(stored.inputs["key"])
    assert "ProcessingJobName" not in check["Arguments"]
    config = json.loads(stored.inputs["content"])
    assert config["facet"] == [{"name_or_index": "colour", "value_or_threshold": ["red"]}]
    assert config["label_values_or_threshold"] == [1]
    held = {**BIAS, "baseline": "s3://bucket/analysis.json", "fail": False}
    check = steps_of(planned(document(pipeline={"bias_check": held})))["bias"]
    assert (check["SkipCheck"], check["FailOnViolation"]) == (False, False)
    assert check["SuppliedBaselineConstraints"] == "s3://bucket/analysis.json"


def _resources(made: Plan, role: str, action: str) -> list[str]:
    policy = json.loads(resource(made, f"training-pipeline-{role}-policy").inputs["policy"])
    return [arn for s in policy["Statement"] if action in s["Action"] for arn in s["Resource"]]


def test_only_who_checks_bias_may_run_what_sagemaker_names_and_pull_its_image(rich: Plan, plain: Plan) -> None:
    jobs = [arn.rsplit("/", 1)[-1] for arn in _resources(rich, "pipeline", "sagemaker:CreateProcessingJob")]
    assert sorted(jobs) == ["flights-dev-*", "pipelines-*"]
    images = "arn:aws:ecr:eu-west-1:131013547314:repository/sagemaker-clarify-processing"
    for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"):
        assert images in _resources(rich, "training", action)
        assert images not in _resources(plain, "training", action)
    assert _resources(plain, "pipeline", "sagemaker:CreateProcessingJob")[0].endswith("/flights-dev-*")
    assert len(_resources(plain, "pipeline", "sagemaker:CreateProcessingJob")) == 1


def test_nothing_is_made_of_an_image_that_is_not_there_yet() -> None:
    given = document()
    del given["workload"]["image"]
    made = planned(given)
    assert not [
        r for r in made.resources if r.type in ("aws:sagemaker/pipeline:Pipeline", "aws:scheduler/schedule:Schedule")
    ]
    dev = next(scope for scope in made.scopes if scope.scope == "dev")
    assert dev.outputs["training_pipeline"]["pipelines"] == {}
    assert "training-pipeline-training-role" in names(made)


def test_settings_have_a_name_for_each_content_and_stay_for_runs_under_way(plain: Plan) -> None:
    first = resource(plain, "training-pipeline-things-settings")
    changed = resource(
        planned(document(model={"acceptance": {"thresholds": [{"metric": "accuracy", "minimum": 0.5}]}})),
        "training-pipeline-things-settings",
    )
    assert first.inputs["key"].startswith("settings/things-")
    assert first.inputs["key"] != changed.inputs["key"]
    assert first.urn == changed.urn
    assert first.options["retainOnDelete"] is True


@pytest.fixture
def here(plain: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings and runs of the rendered definition, in a folder instead of S3, for the tiny workload."""
    stored = json.loads(resource(plain, "training-pipeline-things-settings").inputs["content"])
    stored["workload"]["path"] = str(TINY)
    stored |= {"tracking_uri": None, "experiment": None, "registry_uri": None, "registered_model": None}
    (tmp_path / "settings.json").write_text(json.dumps(stored))
    monkeypatch.chdir(tmp_path)
    return {"settings": (tmp_path / "settings.json").as_uri(), "run": (tmp_path / "runs" / "exec1").as_uri()}


def _carried_out(step: dict[str, Any], here: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command of a rendered step with `file:` URIs in place of those on S3."""
    arguments = step["Arguments"]
    application = arguments.get("AppSpecification") or arguments["AlgorithmSpecification"]
    known = {"Execution.PipelineExecutionId": "exec1", "Parameters.shift": "0.01", "Parameters.rows": "200"}
    command = resolved([*application["ContainerEntrypoint"], *application["ContainerArguments"]], known)
    at_settings, at_run = command.index("--settings") + 1, command.index("--run") + 1
    assert command[at_settings].startswith("s3://")
    assert command[at_run].endswith("/runs/things/exec1")
    command = [sys.executable, *command[1:]]
    command[at_settings], command[at_run] = here["settings"], here["run"]
    environment = resolved(arguments["Environment"], known)
    assert environment["MLOPS_STACKS_IMAGE"] == IMAGE
    if "MLOPS_STACKS_DECISION" in environment:
        environment["MLOPS_STACKS_DECISION"] = str(folder / "decision" / "decision.json")
    return subprocess.run(command, capture_output=True, text=True, timeout=240, env={**os.environ, **environment})


@pytest.mark.slow
def test_each_command_of_the_definition_runs_here(plain: Plan, here: dict[str, str], tmp_path: Path) -> None:
    steps = steps_of(plain)
    for name in (*STEPS, "register"):
        ended = _carried_out(steps[name], here, tmp_path)
        assert ended.returncode == 0, (name, ended.stderr)
    registered = json.loads((tmp_path / "runs" / "exec1" / "registered.json").read_text())
    assert registered["version"] is None
    trained = json.loads((tmp_path / "runs" / "exec1" / "train.json").read_text())
    # A parameter of the run reaches the step by its environment.
    assert (trained["parameters"]["shift"], trained["parameters"]["rows"]) == (0.01, 200)
    # The decision is where the definition's property file looks for it, and where the run folder has it.
    told = (tmp_path / "decision" / "decision.json").read_text()
    assert json.loads(told)["accepted"] is True
    assert json.loads(told) == json.loads((tmp_path / "runs" / "exec1" / "decision.json").read_text())


@pytest.mark.slow
def test_a_trial_reports_its_metric_in_the_words_that_sagemaker_looks_for(
    rich: Plan, plain: Plan, here: dict[str, str], tmp_path: Path
) -> None:
    import re

    steps = steps_of(plain)
    for name in ("extract", "validate", "prepare"):
        assert _carried_out(steps[name], here, tmp_path).returncode == 0
    arguments = steps_of(rich)["tune"]["Arguments"]["TrainingJobDefinition"]
    (metric,) = arguments["AlgorithmSpecification"]["MetricDefinitions"]
    assert arguments["Environment"]["MLOPS_STACKS_TRIAL_METRIC"] == "accuracy"
    told = {
        "MLOPS_STACKS_SETTINGS": here["settings"],
        "MLOPS_STACKS_RUN": here["run"],
        "MLOPS_STACKS_TRIAL_METRIC": arguments["Environment"]["MLOPS_STACKS_TRIAL_METRIC"],
    }
    before = sorted(path for path in (tmp_path / "runs").rglob("*"))
    # The image's entry point is the runtime, and SageMaker's word for a training is `train`.
    command = [sys.executable, "-m", "mlops_stacks.runtime", "train"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, env={**os.environ, **told})
    assert ended.returncode == 0, ended.stderr
    found = re.search(metric["Regex"], ended.stdout)
    assert found
    assert 0 <= float(found[1]) <= 1
    assert sorted(path for path in (tmp_path / "runs").rglob("*")) == before
