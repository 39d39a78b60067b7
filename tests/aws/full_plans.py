"""Plans of the blueprints for AWS: on an empty account, and once an image is delivered and a version released."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.planning import plan
from mlops_stacks.permissions.assumed import filled
from mlops_stacks.plan import Plan
from mlops_stacks.project import Project

ROOT = Path(__file__).parents[2]
BLUEPRINTS = ROOT / "blueprints"
NAMES = tuple(sorted(file.stem for file in BLUEPRINTS.glob("aws*.yaml")))
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
