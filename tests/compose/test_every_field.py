"""Nothing that a user writes is ignored: each leaf field changes the plan, or validation says why it cannot.

Only a functional input of a resource counts: never a tag, a hash, or the arguments of a component.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import pytest
from compose import documents
from compose.field_walk import Path, all_leaves, all_variants, two_values, with_value

from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.blueprint.engines import ENGINES
from mlops_stacks.blueprint.release_lock import Released, resolve_release
from mlops_stacks.blueprint.settings import Blueprint, Settings
from mlops_stacks.blueprint.vocabulary import Platform
from mlops_stacks.operations.planning import plan
from mlops_stacks.project import Project

pytestmark = pytest.mark.no_cover  # hundreds of plans, whose lines others cover: tracing takes twice the time

BASES = {Platform.AWS: documents.aws, Platform.LOCAL: documents.local}
WALKED = (Platform.LOCAL,)
"""AWS has a walk of its own (tests/aws/proof): its stages have several engines, and its plans take longer."""
_TAGS = ("tags", "tagsAll")
_HASHES = ("watch",)
CONTEXT: dict[str, dict[str, Any]] = {
    "models.flight_delay.features": {
        "feature_groups": {
            "airport": {
                "entity": "origin",
                "event_time": "known_at",
                "features": [{"name": "share", "type": "float"}, {"name": "flights", "type": "integer"}],
            }
        }
    },
}
"""Field -> what else the document says, so that the field can mean something."""


def _cases() -> list[Any]:
    return [
        pytest.param(platform, path, annotation, id=f"{platform}-{'.'.join(path)}")
        for platform in WALKED
        for path, annotation in all_leaves(platform)
    ]


def _document(platform: Platform, path: Path) -> dict[str, Any]:
    document = BASES[platform]()
    document["stages"] = {name: {} for name in document["stages"]}
    document.update(CONTEXT.get(".".join(path), {}))
    return document


def _changed(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    if path[0] == "stages":
        options = next(e.options for e in ENGINES if e.stage == path[1] and document["platform"] == e.platform)
        stages = dict(document["stages"])
        stages[path[1]] = with_value(stages[path[1]], options, path[2:], value)
        return {**document, "stages": stages}
    return with_value(document, Settings, path, value)


def _functional(blueprint: Blueprint, *, tags: bool) -> str:
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
    left_out = (*_HASHES, *(() if tags else _TAGS))
    return json.dumps(
        [
            (r.urn, {k: v for k, v in r.inputs.items() if k not in left_out}, r.options)
            for r in planned.resources
            if r.custom
        ],
        sort_keys=True,
        default=str,
    )


@pytest.mark.parametrize(("platform", "path", "annotation"), _cases())
def test_a_field_matters_or_is_refused(platform: Platform, path: Path, annotation: Any) -> None:
    before, after = (_changed(_document(platform, path), path, value) for value in two_values(path, annotation))
    (first, first_problems), (second, second_problems) = assemble(before), assemble(after)
    plain = tuple(part for part in path if not part.startswith("("))
    if first is None or second is None:
        about = [p for p in (*first_problems, *second_problems) if _is_about(p.path, plain)]
        assert about, [str(problem) for problem in (*first_problems, *second_problems)]
        assert all(p.message and p.fix for p in about)
        return
    field = ".".join(path)
    tags = path[0] in ("tags", "owners")
    same = _functional(first, tags=tags) == _functional(second, tags=tags)
    assert same is False, f"{field} is ignored"


def _choices() -> list[Any]:
    return [
        pytest.param(platform, path, pair, id=f"{platform}-{'.'.join(path)}-{pair[0]}-{pair[1]}")
        for platform in WALKED
        for path, names in all_variants(platform)
        for pair in pairwise(names)
    ]


@pytest.mark.parametrize(("platform", "path", "pair"), _choices())
def test_a_choice_matters_or_is_refused(platform: Platform, path: Path, pair: tuple[str, str]) -> None:
    """Two variants of one choice give two plans."""
    made = [assemble(_changed(_document(platform, path), (*path, variant), None)) for variant in pair]
    if any(blueprint is None for blueprint, _ in made):
        assert any(_is_about(p.path, path) for _, problems in made for p in problems)
        return
    first, second = (_functional(blueprint, tags=False) for blueprint, _ in made if blueprint)
    assert first != second


def _is_about(problem: tuple[str | int, ...], path: Path) -> bool:
    said = tuple(map(str, problem))
    return said == path[: len(said)] or path == said[: len(path)] or said[:-1] == path[:-1]


@pytest.mark.parametrize(
    ("platform", "key", "value"),
    [
        (Platform.AWS, "account", "333333333333"),
        (Platform.AWS, "region", "eu-central-1"),
        (Platform.AWS, "role", "arn:aws:iam::111111111111:role/deployer"),
        (Platform.LOCAL, "directory", "elsewhere"),
    ],
)
@pytest.mark.parametrize("scope", ["shared", "dev"])
def test_a_target_matters(platform: Platform, key: str, value: str, scope: str) -> None:
    before = BASES[platform]()
    after = BASES[platform]()
    holder = after.setdefault("shared", {}) if scope == "shared" else after["environments"]["dev"]
    example = {"account": documents.DEV, "region": "eu-west-1"} if platform is Platform.AWS else {}
    holder["target"] = {**holder.get("target", example), key: value}
    blueprints = [assemble(document)[0] for document in (before, after)]
    assert all(blueprints)
    first, second = (_functional(blueprint, tags=False) for blueprint in blueprints if blueprint)
    assert first != second


@pytest.mark.parametrize("platform", list(BASES))
@pytest.mark.parametrize(("key", "value"), [("name", "other"), ("schema_version", 2), ("platform", "gcp")])
def test_a_root_field_matters_or_is_refused(platform: Platform, key: str, value: Any) -> None:
    first, _ = assemble(BASES[platform]())
    second, problems = assemble({**BASES[platform](), key: value})
    assert first is not None
    assert problems if second is None else _functional(first, tags=False) != _functional(second, tags=False)
