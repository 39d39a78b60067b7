"""Plans of the blueprints for AWS: on an empty account, and once an image is delivered and a version released."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from projects import project_of

from mlops_stacks.blueprint.loading import read_text, read_tree
from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.planning import plan
from mlops_stacks.permissions.assumed import filled
from mlops_stacks.plan import Plan
from mlops_stacks.project import Project

ROOT = Path(__file__).parents[2]
BLUEPRINTS = ROOT / "blueprints"
NAMES = tuple(sorted(file.stem for file in BLUEPRINTS.glob("aws*.yaml")))
CERTIFICATE = "arn:aws:acm:eu-west-1:111111111111:certificate/00000000-0000-0000-0000-000000000000"
IMAGE = f"111111111111.dkr.ecr.eu-west-1.amazonaws.com/flights-shared-images@sha256:{'0' * 64}"


@cache
def project(name: str) -> Project:
    """One of the blueprints that are handed out, as it is before anything was made."""
    return open_project(BLUEPRINTS / f"{name}.yaml", ROOT, releases=False)


@cache
def first_plan(name: str) -> Plan:
    """Its plan on an empty account."""
    return plan(project(name))


@cache
def filled_plan(name: str) -> Plan:
    """Its plan once an image is delivered and versions are released."""
    return plan(filled(project(name)))


ENGINES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "github_actions": ("continuous_integration", {"repository": "example/flights"}),
    "gitlab_ci": ("continuous_integration", {"repository": "example/flights"}),
    "sagemaker_experiments": ("experiment_tracking", {}),
    "step_functions": ("training_pipeline", {}),
    "lambda": ("serving", {}),
    "ecs": ("serving", {"certificate": CERTIFICATE}),
}
"""Engine that is no stage's default -> its stage, and options without which it is refused."""


def document_by(engine: str) -> dict[str, Any]:
    """The whole blueprint, dev alone, with a stage by another engine, and without what that one cannot do."""
    tree, _ = read_tree(read_text(BLUEPRINTS / "aws.yaml"), "aws.yaml")
    document: dict[str, Any] = tree.plain() if tree else {}
    stage, options = ENGINES[engine]
    document["environments"] = {"dev": document["environments"]["dev"]}
    document["workload"]["path"] = "code"
    document["stages"][stage] = {"engine": engine, **options}
    if stage == "serving":
        document["stages"].pop("monitoring")
        model = document["models"]["delay"]
        for field in ("batch", "monitoring", "retraining"):
            model.pop(field)
        model["realtime"] = {}
    if engine == "step_functions":
        for field in ("tuning", "bias_check"):
            document["models"]["delay"]["pipeline"].pop(field)
    return document


@cache
def plan_by(engine: str) -> Plan:
    """Its plan once an image is delivered and versions are released."""
    return plan(filled(project_of(document_by(engine), Path("/project"))))
