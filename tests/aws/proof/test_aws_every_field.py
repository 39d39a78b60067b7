"""Nothing that a user writes for AWS is ignored: each field, of each engine, changes the plan or is refused in words.

Only a functional input of a resource counts: never a tag, a hash, or the arguments of a component. Each field is first
looked at in the smallest blueprint that has its stage; only where it changes nothing there, in the whole one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import pytest
from aws_walk import changed, engine_choices, engine_fields, in_context, reading, small, whole
from compose.field_walk import Path, leaves, two_values

from mlops_components.args import ArgsError
from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.problems import Problem
from mlops_stacks.blueprint.release_lock import Released, resolve_release
from mlops_stacks.blueprint.settings import Blueprint, Settings
from mlops_stacks.operations.planning import plan
from mlops_stacks.project import Project

pytestmark = pytest.mark.no_cover  # half a thousand plans, whose lines others cover: tracing them takes twice the time

_LEFT_OUT = ("tags", "tagsAll", "watch")


IN_OUTPUTS = ("github_actions", "gitlab_ci")
"""Engines whose work is a file in a repository: the stack exports it, and `mlops-stacks render` writes it."""
CONTRACT_FIELDS = ("stages.foundation.trail",)
"""Fields that only the stack's outputs carry, for whoever builds on it."""


def _functional(blueprint: Blueprint, *, tags: bool, outputs: bool = False) -> str:
    """What a plan makes of a blueprint, without what only repeats it."""
    releases = {
        environment: {
            name: version
            for name, model in of.settings.models.items()
            if (version := resolve_release(name, model, Released(version=7)))
        }
        for environment, of in blueprint.environments.items()
    }
    planned = plan(Project(blueprint, FilePath("/project/blueprint.yaml"), releases))
    return json.dumps(
        [
            (r.urn, {k: v for k, v in r.inputs.items() if tags or k not in _LEFT_OUT}, r.options)
            for r in planned.resources
            if r.custom
        ]
        + [scope.outputs for scope in planned.scopes if outputs],
        sort_keys=True,
        default=str,
    )


def _is_about(problem: Problem, path: Path) -> bool:
    said, plain = tuple(map(str, problem.path)), tuple(part for part in path if not part.startswith("("))
    return said == plain[: len(said)] or plain == said[: len(plain)] or said[:-1] == plain[:-1]


def _matters(
    document: dict[str, Any], engine: Engine | None, path: Path, values: tuple[Any, Any]
) -> tuple[bool, list[str]]:
    """Whether two values make two plans, or one is refused; and what was said against them."""
    before, after = (changed(document, engine, path, value) for value in values)
    (first, problems), (second, more) = assemble(before), assemble(after)
    if first is None or second is None:
        found = (*problems, *more)
        about = [problem for problem in found if _is_about(problem, path) and problem.message and problem.fix]
        return bool(about), [str(problem) for problem in found]
    tags, outputs = path[0] in ("tags", "owners"), _counts_outputs(engine, path)
    try:
        plans = [_functional(blueprint, tags=tags, outputs=outputs) for blueprint in (first, second)]
    except ArgsError as refusal:  # a component's sentence, where only it knows
        return bool(str(refusal)), []
    return plans[0] != plans[1], []


def _counts_outputs(engine: Engine | None, path: Path) -> bool:
    return (engine is not None and engine.name in IN_OUTPUTS) or ".".join(path).startswith(CONTRACT_FIELDS)


def _documents(engine: Engine | None, path: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    if engine is None:
        yield lambda: in_context(reading(path), path)
    else:
        yield lambda: in_context(small(engine), path)
    yield lambda: in_context(whole(engine), path)


def _assert_matters(engine: Engine | None, path: Path, values: tuple[Any, Any]) -> None:
    said: list[str] = []
    for document in _documents(engine, path):
        found, problems = _matters(document(), engine, path, values)
        if found:
            return
        said += problems
    pytest.fail(f"{'.'.join(path)} is ignored" if not said else "\n".join(said))


def _cases() -> list[Any]:
    own = [
        pytest.param(engine, path, annotation, id=f"{engine.name}-{'.'.join(path[1:])}")
        for engine, path, annotation in engine_fields()
    ]
    return own + [pytest.param(None, path, note, id=".".join(path)) for path, note in leaves(Settings)]


@pytest.mark.parametrize(("engine", "path", "annotation"), _cases())
def test_a_field_matters_or_is_refused(engine: Engine | None, path: Path, annotation: Any) -> None:
    _assert_matters(engine, path, two_values(path, annotation))


@pytest.mark.parametrize(
    ("engine", "path", "pair"),
    [
        pytest.param(engine, path, pair, id=f"{engine.name}-{'.'.join(path[1:])}-{pair[0]}-{pair[1]}")
        for engine, path, names in engine_choices()
        for pair in pairwise(names)
    ],
)
def test_a_choice_matters_or_is_refused(engine: Engine, path: Path, pair: tuple[str, str]) -> None:
    """Two variants of one choice give two plans."""
    made = [
        assemble(changed(in_context(whole(engine), (*path, variant)), engine, (*path, variant), None))
        for variant in pair
    ]
    if any(blueprint is None for blueprint, _ in made):
        said = [problem for _, problems in made for problem in problems]
        assert any(_is_about(problem, path) or path[-1] in problem.message for problem in said), said
        return
    outputs = _counts_outputs(engine, path)
    first, second = (_functional(blueprint, tags=False, outputs=outputs) for blueprint, _ in made if blueprint)
    assert first != second
