"""The plan: the resolved resource graph of a blueprint, as plain data.

A plan is made by `executors.planner`, read by `checks`, `reports` and tests. It knows no SDK: what the checks need
from one (which keys a nested object may have, which it must have) travels with each resource as an `ObjectType`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

SECRET = "[secret]"  # noqa: S105  (what is shown instead of one)
"""Stands in a plan for every secret value."""

UNKNOWN = "[unknown]"
"""Stands in a plan for a value that only the platform can give."""


class Severity(StrEnum):
    """How bad a finding is: an error blocks, a warning asks for a look, an info explains."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check has to say: which rule, about which resource, in words, and how to mend it."""

    rule: str
    severity: Severity
    urn: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class ValueType:
    """What a provider accepts in one place.

    `kind` is one of `string`, `number`, `integer`, `boolean`, `object`, `list`, `map`, `any`, `asset`.
    `element` types the members of a list or map, `object` the keys of an object (a call, because provider types
    are recursive), `choices` the values of a closed enum, `union` the alternatives of a union (kind `any`).
    """

    kind: str
    element: ValueType | None = None
    object: Callable[[], ObjectType] | None = None
    choices: tuple[Any, ...] = ()
    union: tuple[ValueType, ...] = ()


@dataclass(frozen=True)
class ObjectType:
    """The keys that an object may have and must have, under the names that the provider receives."""

    name: str
    properties: Mapping[str, ValueType]
    required: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PlannedResource:
    """One resource as it would be registered.

    `inputs` are as the provider receives them, secrets masked. A reference to another resource's output reads
    `${urn#output}`. `stage` is the stage whose component created it, `scope` is `shared` or an environment.
    """

    urn: str
    type: str
    name: str
    parent: str | None
    stage: str | None
    scope: str
    platform: str
    inputs: Mapping[str, Any]
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    custom: bool = True
    source: str | None = None
    input_type: ObjectType | None = field(default=None, compare=False, repr=False)

    @property
    def is_component(self) -> bool:
        """Whether this only groups others: a component, or the stack itself."""
        return not self.custom

    @property
    def is_provider(self) -> bool:
        """Whether this is an explicit provider: a target with its credentials."""
        return self.type.startswith("pulumi:providers:")


@dataclass(frozen=True)
class ScopePlan:
    """The plan of one scope, that is, of one Pulumi stack."""

    scope: str
    stack: str
    resources: tuple[PlannedResource, ...]
    outputs: Mapping[str, Any]

    @cached_property
    def by_urn(self) -> Mapping[str, PlannedResource]:
        """The resources, by URN."""
        return {resource.urn: resource for resource in self.resources}


@dataclass(frozen=True)
class Plan:
    """The plan of a blueprint: all its scopes in the order in which `up` does them, or one environment's."""

    blueprint: str
    platform: str
    environment: str | None
    scopes: tuple[ScopePlan, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def resources(self) -> Iterable[PlannedResource]:
        """Every resource of every scope, in order."""
        return (resource for scope in self.scopes for resource in scope.resources)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that block."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    def with_findings(self, findings: Iterable[Finding]) -> Plan:
        """This plan, with more to say about it."""
        return replace(self, findings=(*self.findings, *findings))
