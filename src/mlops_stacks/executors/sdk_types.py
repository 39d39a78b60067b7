"""What a provider SDK knows about its own resources, read from its classes.

Two questions: which outputs of a resource are strings (the planner answers those with tokens), and what may stand in
its inputs (carried by each planned resource, so that the checks need no SDK). All of it is read lazily and kept per
class: resolving the annotations of a whole SDK takes minutes, those of the properties in use microseconds.
"""

from __future__ import annotations

import enum
import inspect
import sys
import types
import typing
from collections import abc
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any

import pulumi
from pulumi import _types

from mlops_stacks.executors.planned_requests import is_signed
from mlops_stacks.plan import ObjectType, ValueType

_SCALARS: Mapping[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_WIRE_KINDS: Mapping[Any, str] = {
    str: "string_value",
    bool: "bool_value",
    int: "number_value",
    float: "number_value",
}
_ANY = ValueType("any")


class OutputTypes:
    """The outputs of one resource class: their types, and which of them a token may stand for."""

    def __init__(self, resource_class: type) -> None:
        """Read the class; `output_types_of` keeps the result."""
        self.types: Mapping[str, Any] = _types.resource_types(resource_class)
        arguments = input_class_of(resource_class)
        given = frozenset(_types.input_type_types(arguments)) if arguments else frozenset(self.types)
        hints = _types._raw_return_hints(resource_class)
        self.strings = frozenset(
            name
            for name, kind in self.types.items()
            if _types.unwrap_optional_type(kind) is str and name not in {"id", "urn"}
        )
        # An optional output that is also an input stays absent when it is not given; the platform sets any other.
        self.tokens = tuple(
            sorted(name for name in self.strings if name not in given or not _is_optional(hints.get(name)))
        )

    def accepts(self, name: str, value: Any) -> bool:
        """Whether the SDK can read `value` (protobuf) back as the output `name`, without raising."""
        return name in self.types and _accepts(self.types[name], value)


@cache
def output_types_of(resource_class: Any) -> OutputTypes:
    """Read a resource class's outputs once."""
    return OutputTypes(resource_class)


def _is_optional(hint: Any) -> bool:
    if typing.get_origin(hint) is pulumi.Output:
        (hint,) = typing.get_args(hint)
    return hint is not None and bool(_types._is_optional_type(hint))  # type: ignore[no-untyped-call]


def _accepts(kind: Any, value: Any) -> bool:
    kind = _types.unwrap_optional_type(kind)
    wire = value.WhichOneof("kind")
    if kind in _WIRE_KINDS:
        return bool(wire == _WIRE_KINDS[kind])
    if is_signed(value):
        return False
    origin = typing.get_origin(kind) or kind
    if origin in (list, abc.Sequence):
        element = (*typing.get_args(kind), Any)[0]
        return wire == "list_value" and all(_accepts(element, item) for item in value.list_value.values)
    if origin in (dict, abc.Mapping):
        element = (*typing.get_args(kind), Any, Any)[1]
        return wire == "struct_value" and all(_accepts(element, item) for item in value.struct_value.fields.values())
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return any(member.value == _scalar(value) for member in kind)
    return kind is Any


def _scalar(value: Any) -> Any:
    wire = value.WhichOneof("kind")
    return getattr(value, wire) if wire in {"string_value", "number_value", "bool_value"} else None


@cache
def input_class_of(resource_class: type) -> type | None:
    """Find the class of a resource's arguments: `<R>InitArgs`, else `<R>Args` (the former where both exist)."""
    module = sys.modules.get(resource_class.__module__)
    for suffix in ("InitArgs", "Args"):
        found = getattr(module, f"{resource_class.__name__}{suffix}", None)
        if inspect.isclass(found) and _types.is_input_type(found):
            return found
    return None


@cache
def input_type_of(resource_class: Any) -> ObjectType | None:
    """Describe what a resource accepts, or None where its class does not say (components, dynamic resources)."""
    arguments = input_class_of(resource_class)
    return object_type_of(arguments) if arguments else None


@cache
def object_type_of(arguments: type) -> ObjectType:
    """Describe one SDK input type; nested ones are only described when asked for."""
    return ObjectType(arguments.__name__, _Properties(arguments), _types._required_property_names(arguments))


class _Properties(Mapping[str, ValueType]):
    """The properties of an SDK input type, each described when it is first looked at."""

    def __init__(self, arguments: type) -> None:
        self._hints = _types._raw_return_hints(arguments)
        self._known: dict[str, ValueType] = {}

    def __getitem__(self, name: str) -> ValueType:
        if name not in self._known:
            self._known[name] = value_type_of(self._hints[name])
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hints)

    def __len__(self) -> int:
        return len(self._hints)


def value_type_of(hint: Any) -> ValueType:
    """Describe an annotation, without the wrappers that make it an input."""
    members = tuple(dict.fromkeys(_members(hint)))
    if len(members) == 1:
        return _single(members[0])
    if not members:
        return _ANY
    return ValueType("any", union=tuple(map(_single, members)))


def _members(hint: Any) -> Iterator[Any]:
    """Yield the alternatives of an annotation that a value can have on the wire."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        for alternative in typing.get_args(hint):
            yield from _members(alternative)
    elif typing.get_origin(hint) is pulumi.Output:
        return
    elif hint is not type(None) and not _types._is_plumbing_arg(hint) and not _is_output_type(hint):
        yield hint


def _is_output_type(hint: Any) -> bool:
    # Constructors also take what another resource returned; its arguments class stands beside it and says the same.
    return inspect.isclass(hint) and _types.is_output_type(hint)


def _single(hint: Any) -> ValueType:
    if hint in _SCALARS:
        return ValueType(_SCALARS[hint])
    origin = typing.get_origin(hint) or hint
    if origin in (list, abc.Sequence):
        return ValueType("list", element=value_type_of((*typing.get_args(hint), Any)[0]))
    if origin in (dict, abc.Mapping):
        return ValueType("map", element=value_type_of((*typing.get_args(hint), Any, Any)[1]))
    if origin is typing.Literal:
        return _choices(typing.get_args(hint))
    if not inspect.isclass(hint):
        return _ANY
    if issubclass(hint, enum.Enum):
        return _choices(tuple(member.value for member in hint))
    if _types.is_input_type(hint):
        return ValueType("object", object=partial(object_type_of, hint))  # type: ignore[arg-type]
    if issubclass(hint, (pulumi.Asset, pulumi.Archive)):
        return ValueType("asset")
    return _ANY


def _choices(values: tuple[Any, ...]) -> ValueType:
    return ValueType(_SCALARS.get(type(values[0]), "string") if values else "string", choices=values)
