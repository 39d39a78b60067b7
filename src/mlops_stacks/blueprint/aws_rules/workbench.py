"""What SageMaker Studio cannot do, or nobody could open."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from mlops_components.spec.studio_instances import STUDIO_INSTANCES
from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.aws_stages.network import SkipNetwork
from mlops_stacks.blueprint.aws_stages.workbench import SageMakerStudio
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Settings


def studio_rules(settings: Settings) -> Iterator[Problem]:
    """Every broken rule, with paths below the settings."""
    chosen = settings.stages.workbench
    if not isinstance(chosen, SageMakerStudio):
        return
    at: FieldPath = ("stages", "workbench")
    foundation = settings.stages.foundation
    if isinstance(foundation, AwsFoundation) and isinstance(foundation.network, SkipNetwork):
        yield Problem(
            at,
            "Studio runs in the environment's own network, and there is none",
            "write `network: {mode: create, cidr: 10.0.0.0/16}` under `foundation`",
        )
    yield from _machine_rules(chosen, at)
    if chosen.disk_gigabytes > chosen.max_disk_gigabytes:
        yield Problem(
            (*at, "disk_gigabytes"),
            f"{chosen.disk_gigabytes} is more than the largest disk, {chosen.max_disk_gigabytes}",
            "make it at most `max_disk_gigabytes`",
        )
    yield from _people_rules(chosen, at)


def _machine_rules(chosen: SageMakerStudio, at: FieldPath) -> Iterator[Problem]:
    for index, machine in enumerate(chosen.instance_types):
        if machine not in STUDIO_INSTANCES:
            close = get_close_matches(f"ml.{machine.removeprefix('ml.')}", STUDIO_INSTANCES, 1)
            offer = f"did you mean `{close[0]}`?" if close else "write e.g. `ml.t3.medium`"
            yield Problem((*at, "instance_types", index), f"Studio has no instance type `{machine}`", offer)
        elif machine in chosen.instance_types[:index]:
            yield Problem((*at, "instance_types", index), f"`{machine}` is named twice", "remove one of the two")


def _people_rules(chosen: SageMakerStudio, at: FieldPath) -> Iterator[Problem]:
    if chosen.sign_in == "iam" and chosen.people:
        yield Problem(
            (*at, "people"),
            "nobody signs in, so these names mean nothing: who may open Studio is said by `access`",
            "remove `people`, or write `sign_in: sso`",
        )
    if chosen.sign_in == "sso" and not chosen.people:
        yield Problem(
            (*at, "sign_in"),
            "people sign in, and nobody is named who may",
            "write names of IAM Identity Center, e.g. `people: [ada@example.com]`",
        )
    for index, person in enumerate(chosen.people):
        if person in chosen.people[:index]:
            yield Problem((*at, "people", index), f"`{person}` is named twice", "remove one of the two")


SETTINGS_RULES = (studio_rules,)
