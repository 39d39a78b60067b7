"""What differs between two blueprints, two environments of one, or one blueprint on two platforms. Offline."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.blueprint.engines import engines_of
from mlops_stacks.blueprint.loading import load
from mlops_stacks.blueprint.problems import Problem
from mlops_stacks.blueprint.settings import Blueprint
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.planning import plan
from mlops_stacks.operations.starting import required_target
from mlops_stacks.project import Project
from mlops_stacks.reports.comparison import Comparison, Remark, compare_plans, compare_scopes

_ATTEMPTS = 50
"""A field that means nothing on the other platform can hide another one; there are not so many."""
_NO_STAGE = "blueprint"
"""Where remarks are shown that concern no single stage."""


class CannotCompareError(Exception):
    """The two sides cannot be compared; one sentence says why."""


def compare_environments(project: Project, left: str, right: str) -> Comparison:
    """Two environments of one blueprint. Raises `UnknownEnvironmentError`."""
    for name in (left, right):
        project.scopes(name)
    scopes = {scope.scope: scope for scope in plan(project).scopes}
    return compare_scopes(scopes[left], scopes[right])


def compare_blueprints(left: Path, right: Path) -> Comparison:
    """Two blueprints, scope by scope. Raises `BlueprintError`.

    Both are planned as if they lay in the folder of the first: where a file lies is not what it says.
    """
    ours, theirs = (open_project(path, Path.cwd()) for path in (left, right))
    titles = (str(left), str(right))
    return compare_plans(plan(ours), plan(replace(theirs, file=ours.file)), titles)


def compare_platforms(project: Project, platform: str) -> Comparison:
    """A blueprint, and the same on another platform, with what does not move in remarks. Raises `CannotCompareError`.

    A stage is taken over with the platform's default engine and its default options; targets are examples.
    """
    try:
        to = Platform(platform)
    except ValueError:
        raise CannotCompareError(f"there is no platform `{platform}`; choose one of {', '.join(Platform)}") from None
    document = load(project.file).document
    if document["platform"] == to.value:
        raise CannotCompareError(f"{project.file.name} is on {to.value} already; choose another platform")
    blueprint, remarks = _moved(document, project.blueprint, to)
    moved = Project(blueprint, project.file, project.releases)
    titles = (project.blueprint.platform.value, to.value)
    return compare_plans(plan(project), plan(moved), titles).with_remarks(remarks)


def _moved(document: dict[str, Any], original: Blueprint, to: Platform) -> tuple[Blueprint, list[Remark]]:
    """The blueprint on another platform; a field that is refused there is left out and named."""
    moved = copy.deepcopy(document)
    used = _stages_of(original)
    defaults = {stage: next(engines_of(stage, to), None) for stage in used}
    ready = [stage for stage in Stage if (default := defaults.get(stage)) and default.has_component]
    remarks = list(_missing_components(used, ready, to))
    moved |= {"platform": to.value, "stages": [stage.value for stage in ready]}
    moved["environments"] = {
        name: _environment(value, to) for name, value in (document.get("environments") or {}).items()
    }
    if isinstance(moved.get("shared"), dict):
        moved["shared"] = _environment(moved["shared"], to)
    left_out: list[Problem] = []
    for _ in range(_ATTEMPTS):
        blueprint, problems = assemble(moved)
        if blueprint is not None and not problems:
            return blueprint, [*remarks, *_left_out(left_out, to)]
        removed = [problem for problem in problems if _remove(moved, problem.path)]
        if not removed:
            break
        left_out += removed
    sentence = "; ".join(f"{'.'.join(map(str, problem.path))}: {problem.message}" for problem in problems)
    raise CannotCompareError(f"the blueprint cannot be moved to {to.value}: {sentence}")


def _stages_of(blueprint: Blueprint) -> set[Stage]:
    return {stage for name in blueprint.scopes for stage, _ in blueprint.scope(name).settings.stages.items()}


def _missing_components(used: set[Stage], ready: list[Stage], to: Platform) -> Iterator[Remark]:
    for stage in Stage:
        if stage in used and stage not in ready:
            planned = " or ".join(engine.title for engine in engines_of(stage, to))
            yield Remark(stage.value, f"no component on {to.value} yet (planned: {planned or 'nothing'})")


def _environment(value: Any, to: Platform) -> dict[str, Any]:
    """Targets and stages of an environment belong to its platform; an example takes the target's place."""
    kept = {key: inner for key, inner in (value or {}).items() if key not in ("target", "targets", "stages")}
    target = dict(required_target(to.value))
    return {**kept, **({"target": target} if target else {})}


def _remove(document: dict[str, Any], path: tuple[str | int, ...]) -> bool:
    """Take a field out, or the nearest one above it that is there; whether there was any."""
    for end in range(len(path), 0, -1):
        above: Any = document
        for key in path[: end - 1]:
            above = above[key] if _holds(above, key) else None
        if _holds(above, path[end - 1]):
            del above[path[end - 1]]
            return True
    return False


def _holds(above: Any, key: str | int) -> bool:
    if isinstance(above, dict):
        return key in above
    return isinstance(above, list) and isinstance(key, int) and key < len(above)


def _left_out(problems: list[Problem], to: Platform) -> Iterator[Remark]:
    """What was taken out, each field once: one that became incomplete by that is not worth a word of its own."""
    named: list[str] = []
    for problem in problems:
        field = ".".join(str(part) for part in problem.path)
        if field not in named:
            named.append(field)
    if named:
        yield Remark(_NO_STAGE, f"left out, since nothing on {to.value} would read it: {', '.join(named)}")
