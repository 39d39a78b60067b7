"""The pipelines of delivery: what CodePipeline would be asked, in which order things happen, and who may do them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import delivery_plans as plans
import pytest
from projects import project_of
from shapes import check_request, check_shape

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import PlannedResource, Severity

PIPELINES = (
    "continuous-integration-ci",
    "continuous-integration-cipull",
    "pipeline-delivery-cd1",
    "pipeline-delivery-cd2",
)
_EVENTS = {"pushes": "push", "pullRequests": "pullRequest"}
"""What the provider calls CodePipeline's filters."""


def _request(pipeline: PlannedResource) -> dict[str, Any]:
    """The parameters of CreatePipeline, which the provider's arguments are almost."""
    given = pipeline.inputs
    stores = [dict(each) for each in given["artifactStores"]]
    declared: dict[str, Any] = {
        "name": given["name"],
        "roleArn": given["roleArn"],
        "artifactStore": stores[0],
        "pipelineType": given["pipelineType"],
        "executionMode": given["executionMode"],
        "stages": [
            {"name": stage["name"], "actions": [_action(action) for action in stage["actions"]]}
            for stage in given["stages"]
        ],
    }
    if given.get("variables"):
        declared["variables"] = given["variables"]
    if given.get("triggers"):
        declared["triggers"] = [
            {
                "providerType": each["providerType"],
                "gitConfiguration": {
                    "sourceActionName": each["gitConfiguration"]["sourceActionName"],
                    **{_EVENTS[key]: kept for key, kept in each["gitConfiguration"].items() if key in _EVENTS},
                },
            }
            for each in given["triggers"]
        ]
    return {"pipeline": declared}


def _action(action: dict[str, Any]) -> dict[str, Any]:
    kept = {key: action[key] for key in ("name", "configuration", "runOrder", "namespace") if key in action}
    kept["actionTypeId"] = {key: action[key] for key in ("category", "owner", "provider", "version")}
    for key in ("inputArtifacts", "outputArtifacts"):
        if action.get(key):
            kept[key] = [{"name": name} for name in action[key]]
    if "timeoutInMinutes" in action:
        kept["timeoutInMinutes"] = action["timeoutInMinutes"]
    return kept


@pytest.mark.parametrize("name", PIPELINES)
def test_codepipeline_takes_the_request(name: str) -> None:
    pipeline = plans.resource(plans.usual(), f"{name}-pipeline")
    assert check_request("codepipeline", "CreatePipeline", _request(pipeline)) == []
    for action in plans.actions(pipeline).values():
        for key, value in action["configuration"].items():
            # An approval's question and every build's variables have a limit of their own: 1,000 characters.
            assert check_shape("codepipeline", "ActionConfigurationValue", value) == [], key


@pytest.mark.parametrize("name", PIPELINES)
def test_every_artifact_is_made_before_it_is_used(name: str) -> None:
    made: set[str] = set()
    for stage in plans.resource(plans.usual(), f"{name}-pipeline").inputs["stages"]:
        for action in sorted(stage["actions"], key=lambda each: each.get("runOrder", 1)):
            assert set(action.get("inputArtifacts", ())) <= made, action["name"]
            assert not made & set(action.get("outputArtifacts", ()))
            made |= set(action.get("outputArtifacts", ()))


@pytest.mark.parametrize("name", PIPELINES)
def test_every_variable_comes_from_an_action_before(name: str) -> None:
    pipeline = plans.resource(plans.usual(), f"{name}-pipeline")
    exported = {"Source": {"CommitId", "BranchName"}, "codepipeline": {"PipelineExecutionId"}}
    exported["variables"] = {each["name"] for each in pipeline.inputs.get("variables") or ()}
    for stage in pipeline.inputs["stages"]:
        for action in sorted(stage["actions"], key=lambda each: each.get("runOrder", 1)):
            for reference in _references(json.dumps(action["configuration"])):
                namespace, _, variable = reference.partition(".")
                assert variable in exported[namespace], reference
            project = plans.projects(plans.usual()).get(_project(action))
            if project is not None:
                spec = json.loads(project.inputs["source"]["buildspec"])
                exported[action["namespace"]] = set(spec["env"].get("exported-variables", ()))


def _references(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("#{")[1:]]


def _project(action: dict[str, Any]) -> str:
    wanted = action["configuration"].get("ProjectName", "")
    found = [name for name, each in plans.projects(plans.usual()).items() if each.inputs["name"] == wanted]
    return found[0] if found else ""


def test_only_what_passed_every_gate_becomes_a_package() -> None:
    stages = plans.resource(plans.usual(), "continuous-integration-ci-pipeline").inputs["stages"]
    order = [sorted(action["name"] for action in stage["actions"]) for stage in stages]
    assert order == [["Source"], ["Test"], ["Image"], ["Scan", "Smoke"], ["Package"]]


def test_a_lock_that_delivery_pushes_starts_no_build() -> None:
    (trigger,) = plans.resource(plans.usual(), "continuous-integration-ci-pipeline").inputs["triggers"]
    (push,) = trigger["gitConfiguration"]["pushes"]
    assert push["branches"]["includes"] == ["main"]
    assert push["filePaths"]["excludes"] == ["platform/deliveries/**", "platform/releases/**"]
    source = plans.actions(plans.resource(plans.usual(), "continuous-integration-ci-pipeline"))["Source"]
    assert source["configuration"]["DetectChanges"] == "false"


def test_a_pull_request_is_tested_and_built_and_delivers_nothing() -> None:
    pipeline = plans.resource(plans.usual(), "continuous-integration-cipull-pipeline")
    (trigger,) = pipeline.inputs["triggers"]
    (pull,) = trigger["gitConfiguration"]["pullRequests"]
    assert (pull["events"], pull["branches"]["includes"]) == (["OPEN", "UPDATED"], ["main"])
    assert pull["filePaths"]["excludes"] == ["platform/deliveries/**", "platform/releases/**"]
    assert "pushes" not in trigger["gitConfiguration"]
    assert list(plans.actions(pipeline)) == ["Source", "Test"]
    # Two requests have nothing to do with each other.
    assert pipeline.inputs["executionMode"] == "PARALLEL"
    spec = plans.buildspec(plans.usual(), "continuous-integration-cipull")
    lines = " ".join(spec["phases"]["build"]["commands"])
    assert "pytest" in lines
    assert "docker build" in lines
    assert not any(word in lines for word in ("docker push", "docker login", "publish"))
    assert set(spec) & {"artifacts", "reports"} == {"reports"}


def test_who_opens_a_pull_request_gets_at_nothing_that_counts() -> None:
    """Its build runs what the request says, with this role."""
    allowed = _actions("continuous-integration-cipull-policy")
    reports = {"codebuild:BatchPutTestCases", "codebuild:CreateReport", "codebuild:UpdateReport"}
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert allowed == reports | logs | {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"}
    group = "arn:aws:codebuild:eu-west-1:111111111111:report-group/flights-shared-cipull"
    assert _resources("continuous-integration-cipull-policy", "codebuild:CreateReport") == {group}


def test_pull_requests_are_built_only_where_they_are_wanted() -> None:
    scope = plans.shared_scope(plans.delivery_document(ci={"pull_requests": False, "paths": ["src/**"]}))
    assert not [r.name for r in scope.resources if "cipull" in r.name]
    scope = plans.shared_scope(plans.delivery_document(ci={"paths": ["src/**"]}))
    (trigger,) = plans.resource(scope, "continuous-integration-cipull-pipeline").inputs["triggers"]
    (pull,) = trigger["gitConfiguration"]["pullRequests"]
    assert pull["filePaths"]["includes"] == ["src/**"]


@pytest.mark.parametrize(("name", "change", "lock"), [("cd1", "deliver", "deliveries"), ("cd2", "promote", "releases")])
def test_each_environment_is_planned_approved_and_deployed(name: str, change: str, lock: str) -> None:
    pipeline = plans.resource(plans.usual(), f"pipeline-delivery-{name}-pipeline")
    stages = {stage["name"]: stage["actions"] for stage in pipeline.inputs["stages"]}
    assert list(stages) == ["Source", "dev", "prod"]
    assert [each["category"] for each in sorted(stages["dev"], key=lambda a: a["runOrder"])] == ["Build", "Build"]
    ahead, asked, done = sorted(stages["prod"], key=lambda each: each["runOrder"])
    assert [ahead["category"], asked["category"], done["category"]] == ["Build", "Approval", "Build"]
    assert "topic-failure" in asked["configuration"]["NotificationArn"]
    told = plans.variables(done)
    assert told["CHANGE"] == change
    assert told["LOCK"] == f"platform/{lock}/flights/prod.yaml"
    assert told["VERSIONS"] == "#{Plan-prod.VERSIONS}"


@pytest.mark.parametrize(
    ("on", "asked"),
    [(["failure"], "failure"), (["success"], "success"), (["approval", "success", "failure"], "approval")],
)
def test_whoever_is_told_of_anything_is_asked(on: list[str], asked: str) -> None:
    scope = plans.shared_scope(plans.delivery_document(notifications=[{"email": "team@example.com", "on": on}]))
    approval = plans.actions(plans.resource(scope, "pipeline-delivery-cd1-pipeline"))["prod"]
    topic = plans.resource(scope, f"foundation-topic-{asked}")
    assert topic.urn in approval["configuration"]["NotificationArn"]
    policy = json.loads(plans.resource(scope, "pipeline-delivery-cd-policy").inputs["policy"])
    (publishes,) = [s for s in policy["Statement"] if s["Action"] == ["sns:Publish"]]
    assert len(publishes["Resource"]) == 1
    assert topic.urn in publishes["Resource"][0]


def test_a_plan_says_when_nobody_hears_that_it_waits() -> None:
    made = plan(project_of(plans.delivery_document(notifications=[]), Path("/project")), "shared")
    unheard = [each for each in made.findings if each.rule == "unheard-approval"]
    assert sorted(each.message for each in unheard) == [
        f"pipeline-delivery-{name}-pipeline waits for approval before prod, and nobody is told"
        for name in ("cd1", "cd2")
    ]
    assert {each.severity for each in unheard} == {Severity.WARNING}


def test_the_first_environment_can_ask_too() -> None:
    scope = plans.shared_scope(plans.delivery_document(cd={"approve_first": True}))
    actions = plans.actions(plans.resource(scope, "pipeline-delivery-cd1-pipeline"))
    assert {"dev", "prod"} <= set(actions)


def test_each_environments_build_acts_as_its_deployer_and_no_other() -> None:
    assumed = {name: _resources(f"pipeline-delivery-cdup{name}-policy", "sts:AssumeRole") for name in plans.ACCOUNTS}
    shared = "arn:aws:iam::111111111111:role/deployer"
    assert assumed == {"dev": {shared}, "prod": {shared, "arn:aws:iam::222222222222:role/deployer"}}
    assert _resources("pipeline-delivery-cdplan-policy", "sts:AssumeRole") == set()


def test_what_tests_a_commit_may_push_no_image() -> None:
    policies = {
        part: _actions(f"continuous-integration-ci{part}-policy") for part in ("test", "image", "scan", "smoke")
    }
    assert "ecr:PutImage" in policies["image"]
    assert not any("ecr:PutImage" in policies[part] for part in ("test", "scan", "smoke"))
    assert "ecr:DescribeImageScanFindings" in policies["scan"]
    publishes = _resources("continuous-integration-cipublish-policy", "codepipeline:StartPipelineExecution")
    assert publishes == {"arn:aws:codepipeline:eu-west-1:111111111111:flights-shared-cd1"}


def test_a_connection_serves_one_repository() -> None:
    document = json.loads(plans.resource(plans.usual(), "pipeline-delivery-cd-policy").inputs["policy"])
    (statement,) = (s for s in document["Statement"] if "codeconnections:UseConnection" in s["Action"])
    assert statement["Condition"] == {"StringEquals": {"codeconnections:FullRepositoryId": ["acme/flights"]}}
    connections = [r for r in plans.usual().resources if r.type == "aws:codeconnections/connection:Connection"]
    assert len(connections) == 1


def test_an_adopted_connection_is_not_made() -> None:
    arn = "arn:aws:codeconnections:eu-west-1:111111111111:connection/11111111-2222-3333-4444-555555555555"
    scope = plans.shared_scope(plans.delivery_document(cd={"connection": {"mode": "adopt", "arn": arn}}))
    assert not [r for r in scope.resources if r.type == "aws:codeconnections/connection:Connection"]
    source = plans.actions(plans.resource(scope, "continuous-integration-ci-pipeline"))["Source"]
    assert source["configuration"]["ConnectionArn"] == arn


@pytest.mark.parametrize("left_out", ["continuous_integration", "pipeline_delivery", "model_registry"])
def test_each_stage_works_without_the_other(left_out: str) -> None:
    document = plans.delivery_document(cd={"repository": "acme/flights"})
    del document["stages"][left_out]
    # What nobody reads any more would be refused.
    if left_out == "continuous_integration":
        del document["workload"]
    if left_out == "pipeline_delivery":
        document["models"] = {"flight_delay": {}}
    scope = plans.shared_scope(document)
    connections = [r for r in scope.resources if r.type == "aws:codeconnections/connection:Connection"]
    assert [each.name for each in connections] == ["source-connection"]


CHANGES = [
    ("continuous_integration", {"repository": "acme/others"}),
    ("continuous_integration", {"branch": "release"}),
    ("continuous_integration", {"mlops_stacks": "9.9"}),
    ("continuous_integration", {"folder": "elsewhere"}),
    ("continuous_integration", {"test_command": ["make", "test"]}),
    ("continuous_integration", {"test_requirements": ["hypothesis"]}),
    ("continuous_integration", {"smoke": False}),
    ("continuous_integration", {"smoke_parameters": {"rows": 5}}),
    ("continuous_integration", {"smoke_buckets": ["our-data"]}),
    ("continuous_integration", {"scan": "low"}),
    ("continuous_integration", {"scan_minutes": 3}),
    ("continuous_integration", {"timeout_minutes": 7}),
    ("continuous_integration", {"dockerfile": "docker/Dockerfile"}),
    ("continuous_integration", {"base_image": "python:3.12"}),
    ("continuous_integration", {"system_packages": ["git"]}),
    ("continuous_integration", {"connection": {"provider": "bitbucket"}}),
    ("continuous_integration", {"paths": ["src/**"]}),
    ("continuous_integration", {"pull_requests": False}),
    ("continuous_integration", {"size": "large"}),
    ("continuous_integration", {"log_days": 30}),
    ("pipeline_delivery", {"repository": "acme/flights", "branch": "stable"}),
    ("pipeline_delivery", {"mlops_stacks": "9.9"}),
    ("pipeline_delivery", {"connection": {"provider": "gitlab"}}),
    ("pipeline_delivery", {"blueprint_path": "other.yaml"}),
    ("pipeline_delivery", {"state_bucket": "our-state"}),
    (
        "pipeline_delivery",
        {"secrets_key": "arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555"},
    ),
    ("pipeline_delivery", {"approve_first": True}),
    ("pipeline_delivery", {"approval_days": 3}),
    ("pipeline_delivery", {"timeout_minutes": 9}),
    ("pipeline_delivery", {"log_days": 30}),
]


@pytest.mark.parametrize(("stage", "change"), CHANGES, ids=lambda value: str(value)[:60])
def test_no_option_is_ignored(stage: str, change: dict[str, Any]) -> None:
    ci = change if stage == "continuous_integration" else None
    changed = plans.shared_scope(plans.delivery_document(ci, change if ci is None else None))
    assert _functional(changed.resources) != _functional(plans.usual().resources)


def _functional(resources: Any) -> str:
    kept = [(r.urn, {k: v for k, v in r.inputs.items() if k not in ("tags", "tagsAll")}) for r in resources if r.custom]
    return json.dumps(kept, sort_keys=True, default=str)


def _statements(policy: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(plans.resource(plans.usual(), policy).inputs["policy"])["Statement"]
    return statements


def _actions(policy: str) -> set[str]:
    return {action for statement in _statements(policy) for action in statement["Action"]}


def _resources(policy: str, action: str) -> set[str]:
    return {res for statement in _statements(policy) if action in statement["Action"] for res in statement["Resource"]}
