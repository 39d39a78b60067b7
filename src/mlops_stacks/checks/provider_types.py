"""Checks every input, however deep, against the types that the provider SDK declares.

The SDKs check the top level of a resource's arguments only. A misspelt key in a nested dict, a number in place of a
text or a value outside an enum reaches the platform otherwise, and fails there, or is silently ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_stacks.checks.values import has_token, is_open, is_read, is_token, same_letters, suggestion
from mlops_stacks.plan import Finding, ObjectType, Plan, PlannedResource, Severity, ValueType

RULES = {
    "unknown-key": "an input has only keys that the provider knows, however deep",
    "missing-key": "an input has every key that the provider requires, however deep",
    "wrong-type": "every value is of the kind that the provider declares",
    "unknown-choice": "where the provider lists the values it takes, the value is one of them",
}

_ARTICLES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "list": "a list",
    "map": "a map",
    "asset": "an asset or archive",
    "any": "something else",
}


@dataclass(frozen=True, slots=True)
class _Problem:
    rule: str
    text: str
    fix: str
    severity: Severity = Severity.ERROR


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what the provider's types have against the plan."""
    for resource in plan.resources:
        if resource.input_type is not None and not is_read(resource):
            for problem in _inputs(resource, resource.input_type):
                yield Finding(
                    problem.rule,
                    problem.severity,
                    resource.urn,
                    f"{resource.name} ({resource.type}): {problem.text}",
                    problem.fix,
                )


def _inputs(resource: PlannedResource, declared: ObjectType) -> Iterator[_Problem]:
    inputs = _parsed(resource.inputs, declared) if resource.is_provider else resource.inputs
    return _object(inputs, declared, "")


def _parsed(inputs: Mapping[str, Any], declared: ObjectType) -> dict[str, Any]:
    """Read a provider's inputs as they were written: on the wire all but texts are JSON."""
    parsed = dict(inputs)
    for key, value in inputs.items():
        kind = declared.properties.get(key)
        if kind is not None and isinstance(value, str) and not _takes_text(kind) and not is_open(value):
            try:
                parsed[key] = json.loads(value)
            except ValueError:
                continue  # not JSON, hence not what was declared: the text itself is reported
    return parsed


def _takes_text(kind: ValueType) -> bool:
    return kind.kind == "string" or (kind.kind == "any" and (not kind.union or any(map(_takes_text, kind.union))))


def _object(value: Mapping[str, Any], declared: ObjectType, path: str) -> Iterator[_Problem]:
    where = f"`{path}`" if path else "the resource"
    for key in sorted(declared.required - value.keys()):
        yield _Problem("missing-key", f"{where} lacks `{key}`, which {declared.name} requires", f"add `{key}`")
    for key, item in value.items():
        kind = declared.properties.get(key)
        if kind is None:
            yield _Problem(
                "unknown-key",
                f"{where} has the key `{key}`, which {declared.name} does not have",
                suggestion(key, declared.properties),
            )
        else:
            yield from _value(item, kind, f"{path}.{key}" if path else key)


def _value(value: Any, kind: ValueType, path: str) -> Iterator[_Problem]:
    if is_open(value) or value is None:
        return
    if kind.union:
        yield from _union(value, kind.union, path)
    elif kind.kind in _CONTAINERS:
        yield from _CONTAINERS[kind.kind](value, kind, path)
    elif not _SCALARS[kind.kind](value):
        yield _wrong(value, kind, path)
    elif kind.choices and value not in kind.choices and not has_token(value):
        yield _Problem(
            "unknown-choice",
            f"`{path}` is {value!r}, which is not among the values that it takes",
            suggestion(str(value), kind.choices),
        )


def _union(value: Any, alternatives: tuple[ValueType, ...], path: str) -> Iterator[_Problem]:
    open_choice = _open_choice(value, alternatives, path)
    if open_choice is not None:
        yield open_choice
        return
    fewest: list[_Problem] | None = None
    for alternative in alternatives:
        problems = list(_value(value, alternative, path))
        if not problems:
            return
        # A problem deep inside an object says more than that the object is not a text.
        closeness = (all(problem.rule == "wrong-type" for problem in problems), len(problems))
        if fewest is None or closeness < (all(problem.rule == "wrong-type" for problem in fewest), len(fewest)):
            fewest = problems
    yield from fewest or ()


def _open_choice(value: Any, alternatives: tuple[ValueType, ...], path: str) -> _Problem | None:
    """Judge a value where the SDK lists values but takes any text.

    Platforms add values faster than SDKs do, so a new one is worth a look only; one that differs from a listed value
    in nothing but case and separators is a mistake.
    """
    choices = [choice for alternative in alternatives for choice in alternative.choices]
    listed = not choices or value in choices
    if listed or not isinstance(value, str) or has_token(value) or ValueType("string") not in alternatives:
        return None
    return _Problem(
        "unknown-choice",
        f"`{path}` is {value!r}, which is not among the values that the SDK lists",
        suggestion(value, choices),
        Severity.ERROR if same_letters(value, choices) else Severity.WARNING,
    )


def _wrong(value: Any, kind: ValueType, path: str) -> _Problem:
    wanted = _ARTICLES[kind.kind]
    return _Problem("wrong-type", f"`{path}` is {_described(value)} where {wanted} belongs", f"give it {wanted}")


def _described(value: Any) -> str:
    if is_token(value):
        return "a reference to a text"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 60 else "a text"
    return json.dumps(value)


def _in_object(value: Any, kind: ValueType, path: str) -> Iterator[_Problem]:
    if not isinstance(value, Mapping):
        yield _wrong(value, kind, path)
    elif kind.object is not None:
        yield from _object(value, kind.object(), path)


def _in_list(value: Any, kind: ValueType, path: str) -> Iterator[_Problem]:
    if not isinstance(value, (list, tuple)):
        yield _wrong(value, kind, path)
    elif kind.element is not None:
        for index, item in enumerate(value):
            yield from _value(item, kind.element, f"{path}[{index}]")


def _in_map(value: Any, kind: ValueType, path: str) -> Iterator[_Problem]:
    if not isinstance(value, Mapping):
        yield _wrong(value, kind, path)
    elif kind.element is not None:
        for key, item in value.items():
            yield from _value(item, kind.element, f"{path}[{key!r}]")


_CONTAINERS = {"object": _in_object, "list": _in_list, "map": _in_map}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "any": lambda _value: True,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "asset": lambda value: isinstance(value, Mapping) and not {"asset", "archive"}.isdisjoint(value),
}
