"""What starts training on AWS, who is told how it ended, and what the roles may do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from aws.events import object_created, passes, pipeline_changed, state_machine_changed
from aws.shapes import check_request

sys.path.insert(0, str(Path(__file__).parent))

from training_plans import DEV, REGION, document, names, planned, resource

from mlops_components.training_pipeline.starts import machine_end_pattern, new_data_pattern, pipeline_end_pattern
from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.plan import Plan

ENGINES = ("sagemaker", "step_functions")
PIPELINE_ARN = f"arn:aws:sagemaker:{REGION}:{DEV}:pipeline/flights-dev-things"
MACHINE_ARN = f"arn:aws:states:{REGION}:{DEV}:stateMachine:flights-dev-things"


@pytest.fixture(scope="module", params=ENGINES)
def plan(request: pytest.FixtureRequest) -> Plan:
    return planned(document(request.param, options={"flexible_minutes": 15}))


def _statements(plan: Plan, role: str) -> list[dict[str, Any]]:
    policy = json.loads(resource(plan, f"training-pipeline-{role}-policy").inputs["policy"])
    return list(policy["Statement"])


def test_a_schedule_starts_the_pipeline_in_its_own_time_zone(plan: Plan) -> None:
    made = resource(plan, "training-pipeline-things-schedule").inputs
    assert made["scheduleExpression"] == "cron(0 3 ? * MON *)"
    assert made["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert made["flexibleTimeWindow"] == {"mode": "FLEXIBLE", "maximumWindowInMinutes": 15}
    pipeline = resource(plan, "training-pipeline-things")
    assert made["target"]["arn"] == f"${{{pipeline.urn}#arn}}"
    call = {
        "Name": made["name"],
        "ScheduleExpression": made["scheduleExpression"],
        "ScheduleExpressionTimezone": made["scheduleExpressionTimezone"],
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "Target": {"Arn": PIPELINE_ARN, "RoleArn": f"arn:aws:iam::{DEV}:role/r"},
    }
    assert check_request("scheduler", "CreateSchedule", call) == []


def test_what_starts_may_start_these_pipelines_and_nothing_else(plan: Plan) -> None:
    (statement,) = _statements(plan, "start")
    assert (statement["Action"], statement["Resource"]) in [
        (["sagemaker:StartPipelineExecution"], [PIPELINE_ARN]),
        (["states:StartExecution"], [MACHINE_ARN]),
    ]
    trust = json.loads(resource(plan, "training-pipeline-start-role").inputs["assumeRolePolicy"])
    services = trust["Statement"][0]["Principal"]["Service"]
    assert services == ["events.amazonaws.com", "scheduler.amazonaws.com"]


def test_nothing_starts_what_is_only_started_by_hand() -> None:
    made = planned(document(pipeline={"schedule": None, "triggers": {}}, notifications=[]))
    assert names(made) == {
        *(f"training-pipeline-{role}-{part}" for role in ("training", "pipeline") for part in ("role", "policy")),
        "training-pipeline-things",
        "training-pipeline-things-settings",
    }


def test_new_data_starts_a_run_but_predictions_and_features_do_not(plan: Plan) -> None:
    rule = resource(plan, "training-pipeline-things-new-data").inputs
    pattern = json.loads(rule["eventPattern"])
    (bucket,) = pattern["detail"]["bucket"]["name"]
    assert passes(pattern, object_created(bucket, "2026/flights.parquet"))
    assert not passes(pattern, object_created(bucket, "features/x.parquet"))
    assert not passes(pattern, object_created("another", "2026/flights.parquet"))
    assert resource(plan, "training-pipeline-bucket-events").inputs["eventbridge"] is True


@pytest.mark.parametrize(
    ("prefix", "suffix", "starts", "does_not"),
    [
        ("", "", "a/b", None),
        ("in/", "", "in/x", "out/x"),
        ("", "_SUCCESS", "in/_SUCCESS", "in/part-0"),
        ("in/", "_SUCCESS", "in/2026/_SUCCESS", "out/_SUCCESS"),
    ],
)
def test_a_folder_and_a_marker_narrow_what_counts(prefix: str, suffix: str, starts: str, does_not: str | None) -> None:
    pattern = json.loads(new_data_pattern("data", prefix, suffix, []))
    assert passes(pattern, object_created("data", starts))
    if does_not:
        assert not passes(pattern, object_created("data", does_not))
    excluding = json.loads(new_data_pattern("data", "", "", ["predictions/"]))
    assert passes(excluding, object_created("data", "in/x"))
    assert not passes(excluding, object_created("data", "predictions/x"))


def test_a_bucket_that_is_not_ours_is_not_told_what_to_do() -> None:
    given = document()
    given["stages"]["foundation"] = {"data_bucket": {"mode": "adopt", "name": "our-data"}}
    made = planned(given)
    assert "training-pipeline-bucket-events" not in names(made)
    pattern = json.loads(resource(made, "training-pipeline-things-new-data").inputs["eventPattern"])
    assert pattern["detail"]["bucket"]["name"] == ["our-data"]


@pytest.mark.parametrize(
    ("pattern", "failed", "well", "another"),
    [
        (
            pipeline_end_pattern([PIPELINE_ARN], ["Failed"]),
            pipeline_changed(PIPELINE_ARN, "Failed"),
            pipeline_changed(PIPELINE_ARN, "Succeeded"),
            pipeline_changed(f"{PIPELINE_ARN}-2", "Failed"),
        ),
        (
            machine_end_pattern([MACHINE_ARN], ["FAILED", "TIMED_OUT"]),
            state_machine_changed(MACHINE_ARN, "TIMED_OUT"),
            state_machine_changed(MACHINE_ARN, "SUCCEEDED"),
            state_machine_changed(f"{MACHINE_ARN}-2", "FAILED"),
        ),
    ],
)
def test_a_topic_hears_of_failures_of_these_pipelines_only(pattern: str, failed: Any, well: Any, another: Any) -> None:
    assert passes(pattern, failed)
    assert not passes(pattern, well)
    assert not passes(pattern, another)


def test_success_and_failure_go_to_the_topics_of_the_foundation(plan: Plan) -> None:
    for kind in ("success", "failure"):
        target = resource(plan, f"training-pipeline-{kind}-topic").inputs
        assert target["inputTransformer"]["inputTemplate"].startswith('"Training ended with status <status>')
        topic = next(
            r for r in plan.resources if r.scope == "dev" and r.type == "aws:sns/topic:Topic" and kind in r.name
        )
        assert topic.urn in target["arn"]


def test_the_roles_may_do_what_the_steps_and_their_engine_do(plan: Plan) -> None:
    engine = {action for s in _statements(plan, "pipeline") for action in s["Action"]}
    assert {"sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob", "sagemaker:AddTags"} <= engine
    assert "sagemaker:CreateHyperParameterTuningJob" not in engine
    passed = next(s for s in _statements(plan, "pipeline") if s["Action"] == ["iam:PassRole"])
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com"]}}
    steps = {action for s in _statements(plan, "training") for action in s["Action"]}
    assert {"sagemaker:CreateModelPackage", "sagemaker:CallMlflowAppApi", "s3:PutObject", "logs:PutLogEvents"} <= steps
    assert "sagemaker:UpdateModelPackage" not in steps


def test_the_role_of_the_jobs_may_encrypt_their_volumes(plan: Plan) -> None:
    """A job with `VolumeKmsKeyId` does not start without: SageMaker asks for its grant with the role of the job."""
    rendered = json.dumps(resource(plan, "training-pipeline-things").inputs)
    assert "VolumeKmsKeyId" in rendered
    use = {
        action: s
        for s in _statements(plan, "training")
        for action in s["Action"]
        if action.startswith("kms:") and "kms:ViaService" not in json.dumps(s)
    }
    assert {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"} <= set(use)
    assert use["kms:CreateGrant"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": ["true"]}}
    assert all(s["Resource"] != ["*"] for s in use.values())


def test_each_environment_trains_in_an_account_of_its_own_and_registers_in_the_shared_one() -> None:
    made = planned(document())
    registering = [
        arn
        for scope in ("dev", "prod")
        for s in json.loads(resource(made, "training-pipeline-training-policy", scope).inputs["policy"])["Statement"]
        if "sagemaker:CreateModelPackage" in s["Action"]
        for arn in s["Resource"]
        if "/" in arn and arn.startswith("arn:")
    ]
    assert set(registering) == {f"arn:aws:sagemaker:{REGION}:{DEV}:model-package/flights-shared-things/*"}


def _problems(given: dict[str, Any]) -> list[str]:
    return [f"{problem.field}: {problem.message}; {problem.fix}" for problem in assemble(given)[1]]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"pipeline": {"schedule": {"cron": "0 3 13 * 5"}}},
            "of which AWS takes only one; write `*` for one of the two",
        ),
        ({"pipeline": {"schedule": {"cron": "cron(0 3 * * ? *)"}}}, "is a schedule in AWS's dialect"),
        ({"pipeline": {"triggers": {"folder": "in"}}}, "new data starts nothing here"),
        ({"options": {"cache_hours": 24}}, "takes over the old data instead of the new"),
        (
            {"pipeline": {"compute": {"gpu": {"count": 99}}}},
            "chosen by itself has so much: at most 8",
        ),
        ({"pipeline": {"tuning": {"metric": "auc"}}}, "it names no parameter to try"),
        (
            {"pipeline": {"tuning": {"metric": "auc", "ranges": [{"parameter": "a", "minimum": 2, "maximum": 1}]}}},
            "minimum 2 is not less than maximum 1",
        ),
        ({"secrets": {"KEY": {"source": "environment", "variable": "KEY"}}}, "write `source: manager`"),
        (
            {"engine": "step_functions", "pipeline": {"tuning": {"metric": "auc"}}},
            "only sagemaker (aws) of training_pipeline reads it",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence_at_validation(changes: dict[str, Any], sentence: str) -> None:
    found = _problems(document(**changes))
    assert any(sentence in problem for problem in found), found


def test_bias_is_not_checked_where_there_is_no_clarify() -> None:
    bias = {"label": "big", "positive": "1", "facet": "colour", "groups": ["red"]}
    given = document(pipeline={"bias_check": bias})
    for environment in given["environments"].values():
        environment["target"]["region"] = "mx-central-1"
    assert any(
        "SageMaker Clarify, which checks bias, is not in mx-central-1" in problem for problem in _problems(given)
    )


@pytest.mark.parametrize("left_out", ["experiment_tracking", "model_registry"])
def test_training_works_without_its_neighbours(left_out: str) -> None:
    given = document(notifications=[])
    del given["stages"][left_out]
    made = planned(given)
    stored = json.loads(resource(made, "training-pipeline-things-settings").inputs["content"])
    assert stored["registry_uri" if left_out == "model_registry" else "tracking_uri"] is None


def test_jobs_run_in_the_network_where_there_is_one() -> None:
    given = document()
    given["stages"]["foundation"] = {"network": {"mode": "create", "cidr": "10.20.0.0/16"}}
    for environment in given["environments"].values():
        environment["target"]["zones"] = ["eu-west-1a", "eu-west-1b"]
    made = planned(given)
    definition = json.loads(resource(made, "training-pipeline-things").inputs["pipelineDefinition"])
    extract = next(step for step in definition["Steps"] if step["Name"] == "extract")
    vpc = extract["Arguments"]["NetworkConfig"]["VpcConfig"]
    assert len(vpc["Subnets"]) >= 1
    assert len(vpc["SecurityGroupIds"]) == 1
    actions = {action for s in _statements(made, "training") for action in s["Action"]}
    assert "ec2:CreateNetworkInterface" in actions
