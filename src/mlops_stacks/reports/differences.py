"""What differs between environments: the same logical resource, input by input."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_stacks.blueprint.vocabulary import SHARED
from mlops_stacks.checks.values import leaves
from mlops_stacks.plan import Plan, PlannedResource, ScopePlan
from mlops_stacks.reports import layout

ABSENT = None
"""The value of an input, or of a resource, that an environment does not have."""

_LIMIT = 2_000
_OPTIONS = ("protect", "retainOnDelete", "import", "read")
_TARGET_KEYS = ("allowedAccountIds", "project", "subscriptionId", "context")


@dataclass(frozen=True, slots=True)
class Change:
    """One input, or one option, of which environments hold different values."""

    path: str
    values: tuple[str | None, ...]
    """One for each environment, in the plan's order."""
    expected: bool
    """Whether only the environments' own names and accounts differ."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One logical resource that is not the same everywhere."""

    name: str
    type: str
    stage: str
    urns: tuple[str | None, ...]
    """One for each environment; None where it is missing."""
    changes: tuple[Change, ...]

    @property
    def expected(self) -> bool:
        """Whether it is everywhere, and differs by names and accounts only."""
        return None not in self.urns and all(change.expected for change in self.changes)


def environments(plan: Plan) -> tuple[ScopePlan, ...]:
    """The scopes that can be compared with each other."""
    return tuple(scope for scope in plan.scopes if scope.scope != SHARED)


def differences(plan: Plan) -> tuple[Difference, ...]:
    """Compare every resource of a plan's environments with its counterparts."""
    scopes = environments(plan)
    return compared(scopes) if len(scopes) > 1 else ()


def compared(scopes: Sequence[ScopePlan]) -> tuple[Difference, ...]:
    """Compare every resource with its counterparts in the other scopes; those that are the same are left out."""
    tables = [
        {_logical(scope, each): each for each in scope.resources if each.type != layout.STACK} for scope in scopes
    ]
    own = [_OwnWords(scopes, index) for index in range(len(scopes))]
    found = []
    for key in dict.fromkeys(key for table in tables for key in table):
        members = [table.get(key) for table in tables]
        difference = _difference(members, own)
        if difference is not None:
            found.append(difference)
    return tuple(found)


def _logical(scope: ScopePlan, resource: PlannedResource) -> str:
    return resource.urn.replace(f"urn:pulumi:{scope.stack}::", "", 1)


def _difference(members: list[PlannedResource | None], own: Sequence[_OwnWords]) -> Difference | None:
    first = next(member for member in members if member is not None)
    values = [None if member is None else _values(member) for member in members]
    changes = tuple(_changes([each for each in values if each is not None], values, own))
    if not changes and None not in values:
        return None
    urns = tuple(None if member is None else member.urn for member in members)
    return Difference(first.name, layout.short_type(first.type), first.stage or layout.OTHER, urns, changes)


def _changes(
    present: Sequence[Mapping[str, str]], values: Sequence[Mapping[str, str] | None], own: Sequence[_OwnWords]
) -> Iterator[Change]:
    if len(present) < 2:
        return
    for path in dict.fromkeys(path for each in present for path in each):
        row = tuple(ABSENT if each is None else each.get(path) for each in values)
        if len({each.get(path) for each in present}) > 1:
            neutral = {
                ABSENT if value is ABSENT else own[index].taken_out_of(value)
                for index, value in enumerate(row)
                if values[index] is not None
            }
            yield Change(path, tuple(map(_shortened, row)), expected=len(neutral) == 1)


def _shortened(value: str | None) -> str | None:
    """A value that is short enough to be shown; a long one with a fingerprint, so that its end counts as well."""
    if value is None or len(value) <= _LIMIT:
        return value
    digest = hashlib.sha256(value.encode("utf-8", "backslashreplace")).hexdigest()
    return f"{value[:_LIMIT]}… ({len(value)} characters, SHA-256 {digest[:12]})"


def _values(resource: PlannedResource) -> dict[str, str]:
    """Every input by its path, and the options that decide about life and death, as texts."""
    found = {path: layout.readable(value, sys.maxsize) for path, value in _leaves(resource.inputs, "")}
    found |= {f"option {key}": layout.readable(resource.options[key]) for key in _OPTIONS if key in resource.options}
    return found


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every scalar with its path; a text that is a JSON document is taken apart as well."""
    for inner, leaf in leaves(value, path):
        document = _document(leaf)
        if document is None:
            yield inner, leaf
        else:
            yield from _leaves(document, inner)


def _document(value: Any) -> Mapping[str, Any] | list[Any] | None:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return None
    try:
        read = json.loads(value)
    except ValueError:
        return None
    return read if isinstance(read, Mapping | list) and read else None


class _OwnWords:
    """What scopes alone are called: their names, stacks and blueprints, and the accounts they live in."""

    def __init__(self, scopes: Sequence[ScopePlan], index: int) -> None:
        words = [{scope.scope, _blueprint(scope), *_accounts(scope.resources)} for scope in scopes]
        self._own = words[index]
        pattern = "|".join(re.escape(word) for word in sorted(set().union(*words), key=len, reverse=True) if word)
        self._any = re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])")

    def taken_out_of(self, value: str) -> str:
        """The value, with its own environment's words and those of another one replaced by what they are."""
        return self._any.sub(lambda match: "{own}" if match[0] in self._own else "{other}", value)


def _blueprint(scope: ScopePlan) -> str:
    """The name of the blueprint that a scope is of: stacks are called `<blueprint>-<scope>`."""
    return scope.stack.removesuffix(scope.scope).rstrip("-")


def _accounts(resources: Iterable[PlannedResource]) -> Iterable[str]:
    for resource in resources:
        if resource.is_provider:
            for key in _TARGET_KEYS:
                value: Any = resource.inputs.get(key)
                if isinstance(value, str):
                    yield from re.findall(r"[A-Za-z0-9][A-Za-z0-9_./:-]{2,}", value)
