"""What is read from an SDK's classes, on classes written like an SDK's."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
import pytest
from google.protobuf import struct_pb2

from mlops_stacks.executors.sdk_types import OutputTypes, input_type_of, object_type_of, value_type_of
from mlops_stacks.plan import ValueType


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


@pulumi.input_type
class NodeArgs:
    @property
    @pulumi.getter
    def label(self) -> pulumi.Input[str]: ...

    @property
    @pulumi.getter(name="nextNode")
    def next_node(self) -> pulumi.Input["NodeArgs"] | None: ...


@pulumi.input_type
class ThingArgs:
    @property
    @pulumi.getter
    def wrong(self) -> pulumi.Input[str]: ...


@pulumi.input_type
class ThingInitArgs:
    @property
    @pulumi.getter(name="displayName")
    def display_name(self) -> pulumi.Input[str]: ...

    @property
    @pulumi.getter
    def size(self) -> pulumi.Input[Size] | None: ...

    @property
    @pulumi.getter
    def note(self) -> pulumi.Input[str] | None: ...


class Thing(pulumi.CustomResource):
    @property
    @pulumi.getter(name="displayName")
    def display_name(self) -> pulumi.Output[str]: ...

    @property
    @pulumi.getter
    def size(self) -> pulumi.Output[Size]: ...

    @property
    @pulumi.getter
    def note(self) -> pulumi.Output[str | None]: ...

    @property
    @pulumi.getter(name="computedLater")
    def computed_later(self) -> pulumi.Output[str | None]: ...

    @property
    @pulumi.getter
    def ports(self) -> pulumi.Output[Sequence[int]]: ...

    @property
    @pulumi.getter
    def labels(self) -> pulumi.Output[Mapping[str, str]]: ...

    @property
    @pulumi.getter
    def anything(self) -> pulumi.Output[Any]: ...


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (str, ValueType("string")),
        (pulumi.Input[int], ValueType("integer")),
        (pulumi.Input[float] | None, ValueType("number")),
        (bool, ValueType("boolean")),
        (Any, ValueType("any")),
        (pulumi.Input[Sequence[pulumi.Input[str]]], ValueType("list", element=ValueType("string"))),
        (Mapping[str, pulumi.Input[int]], ValueType("map", element=ValueType("integer"))),
        (list, ValueType("list", element=ValueType("any"))),
        (dict, ValueType("map", element=ValueType("any"))),
        (Size, ValueType("string", choices=("small", "large"))),
        (Literal[1, 2], ValueType("integer", choices=(1, 2))),
        (pulumi.Asset, ValueType("asset")),
        (str | Size, ValueType("any", union=(ValueType("string"), ValueType("string", choices=("small", "large"))))),
        (object, ValueType("any")),
    ],
)
def test_annotations_are_described_without_their_wrappers(hint: Any, kind: ValueType) -> None:
    assert value_type_of(hint) == kind


def test_recursive_types_are_described_as_far_as_one_looks() -> None:
    node = object_type_of(NodeArgs)
    assert node.required == {"label"}
    assert set(node.properties) == {"label", "nextNode"}
    assert len(node.properties) == 2
    inner = node.properties["nextNode"].object
    assert inner is not None
    assert inner() is node


def test_the_arguments_of_construction_win_over_the_plain_ones() -> None:
    described = input_type_of(Thing)
    assert described is not None
    assert described.name == "ThingInitArgs"
    assert described.required == {"displayName"}
    assert input_type_of(pulumi.ComponentResource) is None


def test_tokens_stand_for_texts_that_the_platform_will_set() -> None:
    assert OutputTypes(Thing).tokens == ("computedLater", "displayName")


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("displayName", "x", True),
        ("displayName", 3, False),
        ("size", "small", True),
        ("size", "tiny", False),
        ("size", ["small"], False),
        ("ports", [1, 2], True),
        ("ports", ["a"], False),
        ("ports", 1, False),
        ("labels", {"a": "b"}, True),
        ("labels", {"a": 1}, False),
        ("anything", {"a": [1]}, True),
        ("missing", "x", False),
    ],
)
def test_only_what_the_sdk_can_read_back_is_answered(name: str, value: Any, accepted: bool) -> None:
    struct = struct_pb2.Struct()
    struct.update({"value": value})
    assert OutputTypes(Thing).accepts(name, struct.fields["value"]) is accepted
