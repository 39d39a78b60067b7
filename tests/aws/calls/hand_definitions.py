"""What pipelines and state machines do as their own role, and what their jobs then do as the role of the jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from call_needs import Place
from call_policies import Need
from job_needs import grant_needs, job_needs, leaves

Needs = Iterator[tuple[str, Need]]
_NOUNS = {
    "ClarifyCheck": "ProcessingJob",
    "Processing": "ProcessingJob",
    "Training": "TrainingJob",
    "Tuning": "HyperParameterTuningJob",
    "Transform": "TransformJob",
}
_GROUPS = {"Tuning": "TrainingJobs"}


def steps_of(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every step of a pipeline that starts something, those of both branches of conditions too."""
    for step in definition["Steps"]:
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                yield from steps_of({"Steps": step["Arguments"].get(branch, [])})
        elif step["Type"] != "Fail":
            yield step


def started(kind: str, request: Mapping[str, Any], role: str, place: Place) -> Needs:
    """The job of a step: who starts it needs to follow and stop it, hand over its role, and let it use its keys."""
    noun = _NOUNS[kind]
    kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", noun).lower()
    name = next((value for found, value in leaves(request) if found == (noun.lower() + "name",)), "pipelines-x")
    job = place.arn("sagemaker", f"{kebab}/{_named(str(name))}")
    for action in (f"Create{noun}", f"Describe{noun}", f"Stop{noun}", "AddTags"):
        yield role, Need(f"sagemaker:{action}", job)
    # The trials of a tuning job run with the role of what they train.
    of_job = request.get("RoleArn") or request["TrainingJobDefinition"]["RoleArn"]
    yield role, Need("iam:PassRole", of_job, {"iam:PassedToService": "sagemaker.amazonaws.com"})
    for found, value in leaves(request):
        if found[-1] == "volumekmskeyid":
            for need in grant_needs(value):
                yield role, need
    group = f"/aws/sagemaker/{_GROUPS.get(kind, noun + 's')}"
    for need in job_needs(request, group, place):
        yield of_job, need


def _named(name: str) -> str:
    """The name with what a run puts into it: `States.Format('a-{}', …)` becomes `a-x`."""
    found = re.match(r"States\.Format\('([^']*)'", name)
    return found[1].replace("{}", "x") if found else f"{name}-x"


def tasks_of(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every state that calls something, however deep."""
    for state in definition["States"].values():
        if state["Type"] == "Task":
            yield state
        elif state["Type"] == "Parallel":
            for branch in state["Branches"]:
                yield from tasks_of(branch)
        elif state["Type"] == "Map":
            yield from tasks_of(state.get("ItemProcessor") or state["Iterator"])


_SYNC = re.compile(r"arn:aws:states:::sagemaker:create(Processing|Training|Transform)Job\.sync(:2)?$")
_CALL = re.compile(r"arn:aws:states:::(?:aws-sdk:)?(\w+):(\w+)$")


def task_needs(state: Mapping[str, Any], role: str, place: Place) -> Needs:
    """What one state calls, as the machine's role."""
    request = state.get("Parameters") or state.get("Arguments") or {}
    job, call = _SYNC.match(state["Resource"]), _CALL.match(state["Resource"])
    if job:
        yield from started(job[1], request, role, place)
        rule = place.arn("events", f"rule/StepFunctionsGetEventsForSageMaker{job[1]}JobsRule")
        for action in ("PutRule", "PutTargets", "DescribeRule"):
            yield role, Need(f"events:{action}", rule)
    else:
        assert call, f"say in hand_definitions.py what a state of {state['Resource']} takes"
        yield role, Need(_action(call[1], call[2]), ANYWHERE)


_PREFIXES = {"sfn": "states"}
_OTHERWISE = {"ListObjectsV2": "ListBucket", "HeadObject": "GetObject"}
ANYWHERE = ""
"""The resource of a call whose input is known only when it runs: any permission of that action will do."""


def _action(service: str, operation: str) -> str:
    name = operation[0].upper() + operation[1:]
    return f"{_PREFIXES.get(service, service)}:{_OTHERWISE.get(name, name)}"
