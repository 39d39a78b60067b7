"""Plans of delivery on AWS, as a blueprint with two environments in two accounts gives them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from projects import project_of

from mlops_stacks.operations.planning import plan
from mlops_stacks.plan import PlannedResource, ScopePlan

ACCOUNTS = {"dev": "111111111111", "prod": "222222222222"}
REGION = "eu-west-1"


def delivery_document(
    ci: dict[str, Any] | None = None, cd: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A blueprint that builds and delivers; `ci` and `cd` are options of the two stages."""
    return {
        "schema_version": 1,
        "name": "flights",
        "platform": "aws",
        "environments": {
            name: {
                "target": {
                    "account": account,
                    "region": REGION,
                    "role": f"arn:aws:iam::{account}:role/deployer",
                }
            }
            for name, account in ACCOUNTS.items()
        },
        "stages": {
            "foundation": {},
            "model_registry": {},
            "continuous_integration": {"repository": "acme/flights", **(ci or {})},
            "pipeline_delivery": {"blueprint_path": "platform/blueprint.yaml", **(cd or {})},
        },
        "workload": {"entry_point": "flight_delay.workload:FlightDelay", "path": "../flight_delay"},
        "models": {"flight_delay": {"release": "latest_approved"}},
        "notifications": [{"email": "team@example.com", "on": ["success", "failure"]}],
        **more,
    }


def shared_scope(document: dict[str, Any]) -> ScopePlan:
    """The planned shared scope; no rule of any check objects to it."""
    made = plan(project_of(document, Path("/project")), "shared")
    assert made.errors == ()
    return made.scopes[0]


@cache
def usual() -> ScopePlan:
    """The shared scope with CodePipeline for both stages."""
    return shared_scope(delivery_document())


def resource(scope: ScopePlan, name: str) -> PlannedResource:
    """The resource of this logical name."""
    (found,) = (each for each in scope.resources if each.name == name and each.custom)
    return found


def buildspec(scope: ScopePlan, project: str) -> dict[str, Any]:
    """What a project runs."""
    spec: dict[str, Any] = json.loads(resource(scope, project).inputs["source"]["buildspec"])
    return spec


def projects(scope: ScopePlan) -> dict[str, PlannedResource]:
    """Logical name -> project."""
    return {each.name: each for each in scope.resources if each.type == "aws:codebuild/project:Project"}


def actions(pipeline: PlannedResource) -> dict[str, dict[str, Any]]:
    """Name of an action -> the action."""
    return {action["name"]: action for stage in pipeline.inputs["stages"] for action in stage["actions"]}


def variables(action: dict[str, Any]) -> dict[str, str]:
    """What a build is told by its pipeline."""
    told = json.loads(action["configuration"].get("EnvironmentVariables", "[]"))
    return {each["name"]: each["value"] for each in told}
