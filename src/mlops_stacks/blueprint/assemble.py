"""From a parsed YAML document to a `Blueprint`: shorthands, defaults that depend on other fields, overlays.

Every problem of the document is collected, each with its path in the document, so that the loader can name the line.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from mlops_stacks.blueprint.engines import find_engine
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.rules import broken_rules
from mlops_stacks.blueprint.sentences import closest, problems_of, unknown_key
from mlops_stacks.blueprint.settings import Blueprint, Settings
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage, is_platform

Document = dict[str, Any]

_OVERLAY_KEYS = tuple(Settings.model_fields)
_SCOPE_KEYS = ("target", "targets")
_ROOT_KEYS = ("schema_version", "name", "platform", "environments", SHARED)


def assemble(document: Document) -> tuple[Blueprint | None, list[Problem]]:
    """The blueprint that a document describes, or all that is wrong with it.

    The document holds what JSON can hold. The blueprint is None exactly when a problem was found.
    """
    if not isinstance(document, Mapping):
        return None, [Problem((), "a blueprint is a mapping of fields", "begin with `schema_version: 1`")]
    problems = [*_shape_problems(document), *_hidden_problems(document)]
    try:
        # Strict, so that `"5"` is no number and `yes` no truth value; by way of JSON, where strict still means that an
        # enumeration is written as a text and a tuple as a list.
        blueprint = Blueprint.model_validate_json(json.dumps(_resolved(document)), strict=True)
    except ValidationError as error:
        return None, _located(document, [*problems, *problems_of(error)])
    if not problems:
        problems = _located(document, broken_rules(blueprint, document))
    return (None, problems) if problems else (blueprint, [])


def _shape_problems(document: Document) -> Iterator[Problem]:
    """What the models cannot see, because overlays are merged before: mappings where mappings belong, known keys."""
    yield from _unknown_keys(document, (), (*_ROOT_KEYS, *_OVERLAY_KEYS))
    if document.get("schema_version") is True:  # which pydantic takes for the 1 of a Literal, even where it is strict
        yield Problem(("schema_version",), "it must be `1`, not `true`", "write `1`")
    environments = document.get("environments")
    if not isinstance(environments, Mapping) or not environments:
        yield Problem(
            ("environments",),
            "a blueprint has at least one environment",
            "write `environments: {dev: {}}`, with a target where the platform is a cloud",
        )
        environments = {}
    if SHARED in environments:
        path: FieldPath = ("environments", SHARED)
        yield Problem(path, "`shared` is the scope of what exists once", "choose another name for the environment")
    yield from _stages_problems(document, ())
    yield from _scope_problems(document.get(SHARED), (SHARED,))
    for name, environment in environments.items():
        yield from _scope_problems(environment, ("environments", name))


def _hidden_problems(document: Document) -> list[Problem]:
    """What is wrong at the top level although an overlay in every scope covers it: nothing is dropped in silence.

    That something is missing there is no problem, since the overlays add it.
    """
    if not set(_OVERLAY_KEYS) & set(_mapping(document.get(SHARED))):
        return []  # then the shared scope is the top level, and is validated as such
    uncovered = _resolved({**document, SHARED: {}, "environments": {}})
    try:
        Blueprint.model_validate_json(json.dumps(uncovered), strict=True)
    except ValidationError as error:
        found = problems_of(error, ignored=frozenset({"missing", "union_tag_not_found"}))
        return [
            replace(problem, path=problem.path[2:]) for problem in found if problem.path[:2] == (SHARED, "settings")
        ]
    return []


def _scope_problems(scope: Any, path: FieldPath) -> Iterator[Problem]:
    if isinstance(scope, Mapping):
        yield from _unknown_keys(scope, path, (*_SCOPE_KEYS, *_OVERLAY_KEYS))
        yield from _stages_problems(scope, path)
    elif scope is not None:
        yield Problem(path, "it must be a mapping of fields", "write `{}` where it differs in nothing")


def _stages_problems(scope: Mapping[str, Any], path: FieldPath) -> Iterator[Problem]:
    if not _are_stages(scope.get("stages")):
        yield Problem(
            (*path, "stages"),
            "it must be a list of stages, or a mapping from stages to their options",
            "write e.g. `stages: [foundation]`",
        )


def _are_stages(stages: Any) -> bool:
    """Whether this is a way to write stages; which stages there are is the models' business."""
    if isinstance(stages, list):
        return all(isinstance(name, str) for name in stages)
    return stages is None or isinstance(stages, Mapping)


def _unknown_keys(mapping: Mapping[str, Any], path: FieldPath, known: tuple[str, ...]) -> Iterator[Problem]:
    return (unknown_key((*path, key), known) for key in mapping if key not in known)


def _resolved(document: Document) -> Document:
    """The document in the shape of the `Blueprint` model: settings of every scope worked out."""
    base = {key: value for key, value in document.items() if key in _OVERLAY_KEYS}
    platform = _probable_platform(document.get("platform"))
    environments = {
        name: _scope(base, _mapping(of), platform) for name, of in _mapping(document.get("environments")).items()
    }
    shared = _scope(base, _mapping(document.get(SHARED)), platform)
    if shared["target"] is None and environments:
        shared["target"] = next(iter(environments.values()))["target"]
    root = {key: value for key, value in document.items() if key in _ROOT_KEYS}
    return {**root, SHARED: shared, "environments": environments}


def _mapping(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


def _probable_platform(platform: Any) -> str | None:
    """The platform that was meant, so that one misspelt word does not make every stage look wrong."""
    return closest(platform, list(Platform)) if isinstance(platform, str) else None


def _scope(base: Document, scope: Document, platform: str | None) -> Document:
    overlay = {key: value for key, value in scope.items() if key in _OVERLAY_KEYS}
    settings = merge(base, overlay)
    settings["stages"] = _stages(settings.get("stages"), overlay.get("stages"), platform)
    targets = scope.get("targets", {})
    if isinstance(targets, dict):
        targets = {name: _on(name, target) for name, target in targets.items()}
    return {"target": _on(platform, scope.get("target")), "targets": targets, "settings": settings}


def _on(platform: str | None, target: Any) -> Any:
    if not isinstance(target, dict):
        return target
    # Without a platform nothing can be said about a target; that the platform is missing is said once, at its place.
    return {"platform": platform, **target} if platform or "platform" in target else None


def _stages(stages: Any, overlay: Any, platform: str | None) -> Any:
    """Stages with platform and engine filled in. A bare name stands for a stage with all its defaults."""
    if isinstance(stages, list) and _are_stages(stages):
        stages = {name: {} for name in stages}
    if not isinstance(stages, dict):
        return {}
    left_out = {name for name, value in overlay.items() if value is None} if isinstance(overlay, dict) else set()
    filled = {name: _stage(name, value, platform) for name, value in stages.items() if name not in left_out}
    return {
        name: value for name, value in filled.items() if platform or not isinstance(value, dict) or "platform" in value
    }


def _stage(name: str, value: Any, platform: str | None) -> Any:
    value = {} if value is None else value
    if not isinstance(value, dict):
        return value
    filled = {"platform": platform, **value} if platform else dict(value)
    if "engine" not in filled and name in set(Stage) and is_platform(filled.get("platform")):
        engine = find_engine(Stage(name), Platform(filled["platform"]), None)
        filled["engine"] = engine.name if engine else None
    return filled


def merge(base: Any, overlay: Any, field: str = "") -> Any:
    """`base` under `overlay`: mappings key by key, everything else replaced. Neither is changed.

    A list of stage names is a mapping in disguise and is merged as one. What is chosen anew (`mode: adopt` over
    `mode: create`) replaces the earlier choice with all that belonged to it. `field` is the top-level field.
    """
    if not isinstance(overlay, Mapping):
        return copy.deepcopy(overlay)
    if field == "stages" and isinstance(base, list) and _are_stages(base):
        base = {item: {} for item in base}
    if not isinstance(base, Mapping) or (field in _CHOICES and _chooses_anew(base, overlay, *_CHOICES[field])):
        base = {}
    merged = {key: copy.deepcopy(value) for key, value in base.items()}
    for key, value in overlay.items():
        merged[key] = merge(base.get(key), value, field or key) if isinstance(value, Mapping) else copy.deepcopy(value)
    return merged


_CHOICES: dict[str, tuple[str, str | None]] = {"stages": ("mode", "create"), "secrets": ("source", None)}
"""Top-level field -> the key by which its mappings choose what they are, and the choice where it is left out."""


def _chooses_anew(base: Mapping[str, Any], overlay: Mapping[str, Any], key: str, default: str | None) -> bool:
    return key in overlay and overlay[key] != base.get(key, default)


def _located(document: Document, problems: list[Problem]) -> list[Problem]:
    """Problems with paths of the document instead of the resolved shape, each said once."""
    seen: dict[tuple[FieldPath, str], Problem] = {}
    for problem in problems:
        path = _document_path(document, problem.path)
        seen.setdefault((path, problem.message), Problem(path, problem.message, problem.fix))
    return list(seen.values())


def _document_path(document: Document, path: FieldPath) -> FieldPath:
    """Where in the document a path of the resolved shape was written: in the overlay, else in the base."""
    if path[:2] == (SHARED, "target") and depth_of(document, path) < 2:
        first = next(iter(_mapping(document.get("environments"))), None)
        return ("environments", first, *path[1:]) if first else ()
    scope_length = {SHARED: 1, "environments": 2}.get(str(path[0]) if path else "", 0)
    if not scope_length or len(path) <= scope_length or path[scope_length] != "settings":
        return path
    scope, rest = path[:scope_length], path[scope_length + 1 :]
    if not rest:
        return ()
    in_overlay, in_base = depth_of(document, (*scope, *rest)) - scope_length, depth_of(document, rest)
    return (*scope, *rest) if in_overlay > 0 and in_overlay >= in_base else rest


def depth_of(document: Any, path: FieldPath) -> int:
    """How many parts of a path the document has."""
    for depth, part in enumerate(path):
        if isinstance(document, list) and isinstance(part, str) and part in document:
            document = {}  # a bare name stands for a mapping of defaults
            continue
        if not isinstance(document, (Mapping, list)):
            return depth
        try:
            container: Any = document
            document = container[part]
        except (KeyError, IndexError, TypeError):
            return depth
    return len(path)
