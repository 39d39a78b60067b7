"""Training by Step Functions: the same steps, as states whose jobs SageMaker takes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from aws.shapes import check_request

sys.path.insert(0, str(Path(__file__).parent))

from training_plans import document, planned, resource

from mlops_components.args import ArgsError
from mlops_components.training_pipeline.step_functions import StepFunctionsTrainingPipeline
from mlops_stacks.plan import Plan

STEPS = ["extract", "validate", "prepare", "train", "evaluate", "validate_model", "register"]
EXECUTION = {"$.run": "s3://bucket/runs/things/e1", "$.id": "0" * 32, "$.parameters.shift": "0.01"}
EXECUTION |= {"$.parameters.rows": "200", "$$.State.RetryCount": "0", "$$.Execution.Name": "e1"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(document("step_functions"))


@pytest.fixture(scope="module")
def states(plan: Plan) -> dict[str, Any]:
    return dict(json.loads(resource(plan, "training-pipeline-things").inputs["definition"])["States"])


def evaluated(value: Any) -> Any:
    """A payload as Step Functions would make it, as far as these documents use it."""
    if isinstance(value, dict):
        return {
            key.removesuffix(".$"): _expression(item) if key.endswith(".$") else evaluated(item)
            for key, item in value.items()
        }
    return [evaluated(item) for item in value] if isinstance(value, list) else value


def _expression(text: str) -> Any:
    if text in EXECUTION:
        return EXECUTION[text]
    called = re.fullmatch(r"States\.(Array|Format)\((.*)\)", text)
    assert called, text
    arguments = [
        quoted if quoted else EXECUTION[path] for quoted, path in re.findall(r"'([^']*)'|([$][$.\w]+)", called[2])
    ]
    if called[1] == "Array":
        return arguments
    template, *values = arguments
    for value in values:
        # Tokens of the plan have braces too, but never an empty pair.
        template = template.replace("{}", value, 1)
    return template


def test_states_follow_each_other_to_the_end(states: dict[str, Any]) -> None:
    seen, name = [], "defaults"
    while name:
        seen.append(name)
        state = states[name]
        name = state["Choices"][0]["Next"] if state["Type"] == "Choice" else state.get("Next", "")
    assert seen == ["defaults", "begin", *STEPS[:-1], "read_decision", "is_accepted", "register"]
    assert set(states) == {*seen, "refused"}
    assert states["is_accepted"]["Default"] == "refused"
    assert states["register"]["End"] is True


@pytest.mark.parametrize("step", STEPS)
def test_each_job_is_a_request_that_sagemaker_takes(step: str, states: dict[str, Any]) -> None:
    kind = "Training" if step == "train" else "Processing"
    assert states[step]["Resource"] == f"arn:aws:states:::sagemaker:create{kind}Job.sync"
    request = evaluated(states[step]["Parameters"])
    assert check_request("sagemaker", f"Create{kind}Job", request) == []
    application = request.get("AppSpecification") or request["AlgorithmSpecification"]
    command = [*application["ContainerEntrypoint"], *application["ContainerArguments"]]
    assert command[:5] == ["python", "-m", "mlops_stacks.runtime", "step", step]
    assert command[-1] == EXECUTION["$.run"]
    assert request["Environment"]["MLOPS_STACKS_PARAMETER_shift"] == "0.01"


def test_no_two_jobs_of_a_run_share_a_name(states: dict[str, Any]) -> None:
    names = set()
    for step in STEPS:
        request = evaluated(states[step]["Parameters"])
        names.add(request.get("ProcessingJobName") or request["TrainingJobName"])
    assert len(names) == len(STEPS)
    assert max(map(len, names)) <= 62


def test_a_fault_is_tried_again_and_a_step_ends_in_time(states: dict[str, Any]) -> None:
    assert states["train"]["Retry"][0]["MaxAttempts"] == 2
    assert states["train"]["TimeoutSeconds"] == 3 * 1800 + 3600
    none = planned(document("step_functions", pipeline={"retries": 0}))
    again = json.loads(resource(none, "training-pipeline-things").inputs["definition"])["States"]
    assert "Retry" not in again["train"]


def test_the_decision_is_read_from_where_the_step_leaves_it(states: dict[str, Any]) -> None:
    read = evaluated(states["read_decision"]["Parameters"])
    assert read["Key"] == "runs/things/e1/decision.json"
    (decision,) = evaluated(states["validate_model"]["Parameters"])["ProcessingOutputConfig"]["Outputs"]
    assert decision["S3Output"]["S3Uri"] == EXECUTION["$.run"]


def test_the_machine_is_a_request_that_step_functions_takes(plan: Plan) -> None:
    made = resource(plan, "training-pipeline-things").inputs
    call = {"name": made["name"], "definition": made["definition"], "roleArn": made["roleArn"], "type": made["type"]}
    assert check_request("stepfunctions", "CreateStateMachine", call) == []


def test_who_runs_the_states_may_follow_their_jobs_and_nothing_else(plan: Plan) -> None:
    policy = json.loads(resource(plan, "training-pipeline-pipeline-policy").inputs["policy"])
    rules = [s for s in policy["Statement"] if "events:PutRule" in s["Action"]]
    assert [arn.rsplit("/", 1)[1] for arn in rules[0]["Resource"]] == [
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
        "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    ]
    trust = json.loads(resource(plan, "training-pipeline-pipeline-role").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": ["states.amazonaws.com"]}


def test_what_only_sagemaker_does_is_refused_in_words() -> None:
    spec = {"name": "m", "model": "m", "steps": [], "parameters": {}, "schedule": None}
    tuned = {"spec": spec, "settings": {}, "tuning": {"metric": "auc"}}
    args: Any = {
        "placement": {"blueprint": "b", "scope": "dev", "account_id": "1" * 12, "region": "eu-west-1"},
        "models": {"m": tuned},
        "image": "image",
        "artifact_bucket": "bucket",
        "job_role_arn": "arn",
        "engine_role_arn": "arn",
    }
    with pytest.raises(ArgsError, match="'tuning' of 'm' is a step of SageMaker Pipelines"):
        StepFunctionsTrainingPipeline("t", args)
