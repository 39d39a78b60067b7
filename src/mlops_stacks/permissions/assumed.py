"""A project as it will be once something is delivered and released: what a deployer must be ready for."""

from __future__ import annotations

from dataclasses import replace

from mlops_stacks.blueprint.delivery_lock import Delivered
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform
from mlops_stacks.project import Project

VERSION = "1"
"""Which version is assumed; any number would do."""


def filled(project: Project, *, version: str = VERSION) -> Project:
    """A project in which every environment on AWS runs a delivered package and serves a version of every model.

    What the locks say is put aside: pipelines, endpoints, monitors and schedules are planned on an empty account too,
    and the same ones whatever was delivered or released before.
    """
    delivered = Delivered(
        version=1,
        commit="0" * 40,
        wheel="assumed-0-py3-none-any.whl",
        sha256="0" * 64,
        image=image(project),
        delivered_by="nobody",
        delivered_at="2026-01-01T00:00:00Z",
    )
    environments = {
        name: each for name, each in project.blueprint.environments.items() if each.target_on(Platform.AWS) is not None
    }
    return replace(
        project,
        releases={name: dict.fromkeys(each.settings.models, version) for name, each in environments.items()},
        deliveries=dict.fromkeys(environments, delivered),
    )


def image(project: Project) -> str | None:
    """An image in the blueprint's own repository on AWS; None where what exists once is not on AWS."""
    target = project.blueprint.shared.target_on(Platform.AWS)
    if not isinstance(target, AwsTarget):
        return None
    host = f"{target.account}.dkr.ecr.{target.region}.amazonaws.com{'.cn' * target.region.startswith('cn-')}"
    return f"{host}/{project.blueprint.name}-{SHARED}-images@sha256:{'0' * 64}"
