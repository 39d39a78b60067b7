"""From a parsed YAML document to a `Blueprint`: shorthands, defaults that depend on other fields, overlays.

Every problem of the document is collected, each with its path in the document, so that the loader can name the line.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from mlops_stacks.blueprint.engines import find_engine
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.rules import broken_rules
from mlops_stacks.blueprint.sentences import problems_of
from mlops_stacks.blueprint.settings import Blueprint, Settings
from mlops_stacks.blueprint.vocabulary import SHARED, Platform, Stage

Document = dict[str, Any]

_OVERLAY_KEYS = frozenset(Settings.model_fields)
_SCOPE_KEYS = frozenset({"target", "targets"})
_ROOT_KEYS = frozenset({"schema_version", "name", "platform", "environments", SHARED})


def assemble(document: Document) -> tuple[Blueprint | None, list[Problem]]:
    """The blueprint that a document describes, or all that is wrong with it.

    The blueprint is None exactly when a problem was found.
    """
    problems = list(_shape_problems(document))
    if problems:
        return None, problems
    try:
        blueprint = Blueprint.model_validate(_resolved(document))
    except ValidationError as error:
        return None, _located(document, problems_of(error))
    broken = _located(document, broken_rules(blueprint, document))
    return (None, broken) if broken else (blueprint, [])


def _shape_problems(document: Any) -> Iterator[Problem]:
    """What must hold before overlays can be merged: mappings where mappings belong, known keys."""
    if not isinstance(document, Mapping):
        yield Problem((), "a blueprint is a mapping of fields", "begin with `schema_version: 1`")
        return
    yield from _unknown_keys(document, (), _ROOT_KEYS | _OVERLAY_KEYS)
    environments = document.get("environments")
    if not isinstance(environments, Mapping) or not environments:
        yield Problem(
            ("environments",) if "environments" in document else (),
            "a blueprint has at least one environment",
            "write `environments: {dev: {}}`, with a target where the platform is a cloud",
        )
        return
    for name, environment in (*environments.items(), (SHARED, document.get(SHARED))):
        path: FieldPath = (SHARED,) if name == SHARED else ("environments", name)
        if name == SHARED and SHARED in environments:
            yield Problem(
                ("environments", SHARED), "`shared` is the scope of what exists once", "choose another name for the environment"
            )
        elif environment is not None and not isinstance(environment, Mapping):
            yield Problem(path, "an environment is a mapping", "write `{}` where it differs in nothing")
        elif environment:
            yield from _unknown_keys(environment, path, _SCOPE_KEYS | _OVERLAY_KEYS)


def _unknown_keys(mapping: Mapping[str, Any], path: FieldPath, known: frozenset[str]) -> Iterator[Problem]:
    from mlops_stacks.blueprint.sentences import unknown_key

    return (unknown_key((*path, key), known) for key in mapping if key not in known)


def _resolved(document: Document) -> Document:
    """The document in the shape of the `Blueprint` model: settings of every scope worked out."""
    base = {key: value for key, value in document.items() if key in _OVERLAY_KEYS}
    platform = document.get("platform")
    environments = {
        name: _scope(base, environment or {}, platform) for name, environment in document["environments"].items()
    }
    shared = _scope(base, document.get(SHARED) or {}, platform)
    if shared["target"] is None:
        shared["target"] = next(iter(environments.values()))["target"]
    root = {key: value for key, value in document.items() if key in _ROOT_KEYS}
    return {**root, SHARED: shared, "environments": environments}


def _scope(base: Document, scope: Document, platform: Any) -> Document:
    overlay = {key: value for key, value in scope.items() if key in _OVERLAY_KEYS}
    settings = merge(base, overlay)
    settings["stages"] = _stages(settings.get("stages"), overlay.get("stages"), platform)
    targets = scope.get("targets") or {}
    if isinstance(targets, Mapping):
        targets = {name: _on(name, target) for name, target in targets.items()}
    return {"target": _on(platform, scope.get("target")), "targets": targets, "settings": settings}


def _on(platform: Any, target: Any) -> Any:
    return {"platform": platform, **target} if isinstance(target, Mapping) else target


def _stages(stages: Any, overlay: Any, platform: Any) -> Any:
    """Stages with platform and engine filled in. A bare name stands for a stage with all its defaults."""
    if stages is None:
        stages = {}
    if isinstance(stages, list) and all(isinstance(name, str) for name in stages):
        stages = dict.fromkeys(stages, {})
    if not isinstance(stages, Mapping):
        return stages
    left_out = {name for name, value in overlay.items() if value is None} if isinstance(overlay, Mapping) else set()
    return {name: _stage(name, value, platform) for name, value in stages.items() if name not in left_out}


def _stage(name: str, value: Any, platform: Any) -> Any:
    value = {} if value is None else value
    if not isinstance(value, Mapping):
        return value
    filled = {"platform": platform, **value}
    if "engine" not in filled and name in set(Stage) and filled["platform"] in set(Platform):
        engine = find_engine(Stage(name), Platform(filled["platform"]), None)
        filled["engine"] = engine.name if engine else None
    return filled


def merge(base: Any, overlay: Any) -> Any:
    """`base` under `overlay`: mappings key by key, everything else replaced. Neither is changed.

    A list of stage names is a mapping in disguise and is merged as one.
    """
    if not isinstance(overlay, Mapping):
        return copy.deepcopy(overlay)
    if isinstance(base, list) and all(isinstance(item, str) for item in base):
        base = dict.fromkeys(base, {})
    if not isinstance(base, Mapping):
        base = {}
    merged = {key: copy.deepcopy(value) for key, value in base.items()}
    for key, value in overlay.items():
        merged[key] = merge(base.get(key), value) if isinstance(value, Mapping) else copy.deepcopy(value)
    return merged


def _located(document: Document, problems: list[Problem]) -> list[Problem]:
    """Problems with paths of the document instead of the resolved shape, each said once."""
    seen: dict[tuple[FieldPath, str], Problem] = {}
    for problem in problems:
        path = _document_path(document, problem.path)
        seen.setdefault((path, problem.message), Problem(path, problem.message, problem.fix))
    return list(seen.values())


def _document_path(document: Document, path: FieldPath) -> FieldPath:
    """Where in the document a path of the resolved shape was written: in the overlay, else in the base."""
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
        if isinstance(document, Mapping) and part in document:
            document = document[part]
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
        elif isinstance(document, list) and part in document:
            document = {}
        else:
            return depth
    return len(path)
