"""Plans of training pipelines on AWS, and ways to run what their documents say."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import Plan, PlannedResource

DEV, PROD, REGION = "111111111111", "222222222222", "eu-west-1"
IMAGE = f"{DEV}.dkr.ecr.{REGION}.amazonaws.com/flights@sha256:{'a' * 64}"
PIPELINE: dict[str, Any] = {
    "schedule": {"cron": "0 3 * * 1", "timezone": "Europe/Berlin"},
    "retries": 2,
    "timeout_minutes": 30,
    "triggers": {"new_data": True},
}


def document(engine: str = "sagemaker", **more: Any) -> dict[str, Any]:
    """A blueprint that trains one model in two accounts; `pipeline` and `options` say the rest."""
    options = {"engine": engine, **more.pop("options", {})}
    pipeline = {**copy.deepcopy(PIPELINE), **more.pop("pipeline", {})}
    model = {"parameters": {"shift": 0.01, "rows": 200}, "pipeline": pipeline, **more.pop("model", {})}
    return {
        "schema_version": 1,
        "name": "flights",
        "platform": "aws",
        "environments": {
            name: {"target": {"account": account, "region": REGION}} for name, account in (("dev", DEV), ("prod", PROD))
        },
        "stages": {"foundation": {}, "experiment_tracking": {}, "model_registry": {}, "training_pipeline": options},
        "workload": {"entry_point": "tiny_workload:workload", "image": IMAGE},
        "notifications": [{"email": "ml@example.com", "on": ["success", "failure"]}],
        "models": {"things": model},
        **more,
    }


def planned(given: Mapping[str, Any]) -> Plan:
    """The plan of a document, which nothing objects to."""
    made = plan(project_of(given, Path("/project")))
    assert made.errors == (), [str(error) for error in made.errors]
    return made


def resource(made: Plan, name: str, scope: str = "dev") -> PlannedResource:
    """The resource of a logical name."""
    (found,) = [r for r in made.resources if r.name == name and r.scope == scope]
    return found


def names(made: Plan, scope: str = "dev") -> set[str]:
    """Logical names of the stage's resources, components left out."""
    return {r.name for r in made.resources if r.scope == scope and r.stage == "training_pipeline" and r.custom}


def steps_of(made: Plan, model: str = "things") -> dict[str, Any]:
    """Name -> step of the rendered pipeline definition, those behind the condition included."""
    definition = json.loads(resource(made, f"training-pipeline-{model}").inputs["pipelineDefinition"])
    found: dict[str, Any] = {}
    for step in definition["Steps"]:
        found[step["Name"]] = step
        for branch in ("IfSteps", "ElseSteps"):
            found.update({inner["Name"]: inner for inner in step["Arguments"].get(branch, [])})
    return found


def resolved(value: Any, known: Mapping[str, str]) -> Any:
    """A value of a definition as SageMaker would hand it on; `known`: reference -> its value."""
    if isinstance(value, dict) and set(value) == {"Get"}:
        return known[value["Get"]]
    if isinstance(value, dict) and set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return join["On"].join(resolved(item, known) for item in join["Values"])
    if isinstance(value, dict):
        return {key: resolved(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, known) for item in value]
    return value
