"""Requests to AWS, held against botocore's models of its services: without a network, a client or credentials.

botocore's own validator looks at types, required members and the lower bounds of numbers and lengths. The models say
more (patterns, enumerations, upper bounds) and AWS refuses what breaks them, so all of it is looked at here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

TOKEN = "${"
"""What a plan has for a value that only AWS knows begins with this. Nothing is said of the form of such a string."""

REFERENCES = frozenset({"Get", "Std:Join"})
"""The only key of an object that stands for a value in the definition of a SageMaker pipeline."""

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (bytes, bytearray, str),
    "timestamp": (str, int, float),
}


def check_request(
    service: str,
    operation: str,
    params: Mapping[str, Any],
    *,
    given_later: Collection[str] = (),
    references: bool = False,
) -> list[str]:
    """What AWS would have against the parameters of a call, a sentence each with its place; nothing if all is well.

    `service` and `operation` are named as boto3 does (`sagemaker`, `CreateTrainingJob`).
    `given_later`: members of the top level that somebody else fills in (SageMaker Pipelines names its jobs itself).
    `references`: the parameters are the arguments of a pipeline step, where `{"Get": …}` or `{"Std:Join": …}` may
    stand for any value. A string with a token of the plan is held to be a string, of whatever form.
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return [f"{operation} takes no parameters"] if params else []
    return list(_complaints(shape, params, operation, frozenset(given_later), references))


def check_shape(service: str, shape: str, value: Any, *, references: bool = False) -> list[str]:
    """The same for one named shape of a service's model: `check_shape("sagemaker", "PipelineName", name)`."""
    return list(_complaints(service_model(service).shape_for(shape), value, shape, frozenset(), references))


@cache
def service_model(name: str) -> Any:
    """The model of a service, as botocore has it."""
    return botocore.session.Session().get_service_model(name)


def _complaints(shape: Shape, value: Any, place: str, given_later: Collection[str], references: bool) -> Iterator[str]:
    if references and isinstance(value, dict) and len(value) == 1 and set(value) <= REFERENCES:
        return
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, place, given_later, references)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, place, references)
    elif isinstance(shape, MapShape):
        yield from _map(shape, value, place, references)
    else:
        yield from _scalar(shape, value, place)


def _structure(
    shape: StructureShape, value: Any, place: str, given_later: Collection[str], references: bool
) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, Mapping):
        yield f"{place}: {value!r} is not an object ({shape.name})"
        return
    for name in shape.required_members:
        if name not in value and name not in given_later:
            yield f"{place}: {name} is missing"
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{place}: exactly one of {', '.join(shape.members)} must be set, not {len(value)}"
    for name, member in value.items():
        if name not in shape.members:
            yield f"{place}: {name} is unknown; there are {', '.join(shape.members)}"
        else:
            yield from _complaints(shape.members[name], member, f"{place}.{name}", (), references)


def _list(shape: ListShape, value: Any, place: str, references: bool) -> Iterator[str]:
    if not isinstance(value, list | tuple):
        yield f"{place}: {value!r} is not a list"
        return
    yield from _bounds(shape, len(value), f"{place}: its length")
    for index, member in enumerate(value):
        yield from _complaints(shape.member, member, f"{place}[{index}]", (), references)


def _map(shape: MapShape, value: Any, place: str, references: bool) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place}: {value!r} is not a map"
        return
    yield from _bounds(shape, len(value), f"{place}: its number of entries")
    for key, member in value.items():
        yield from _complaints(shape.key, key, f"{place}({key})", (), references)
        yield from _complaints(shape.value, member, f"{place}.{key}", (), references)


def _scalar(shape: Shape, value: Any, place: str) -> Iterator[str]:
    types = _PYTHON_TYPES[shape.type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        yield f"{place}: {value!r} is not of type {shape.type_name}"
    elif isinstance(value, str):
        if TOKEN not in value:
            yield from _text(shape, value, place)
    elif not isinstance(value, bool | bytes | bytearray):
        yield from _bounds(shape, value, place)


def _text(shape: Shape, value: str, place: str) -> Iterator[str]:
    if shape.type_name == "string":
        yield from _bounds(shape, len(value), f"{place}: the length of {value!r}")
    enum = getattr(shape, "enum", None) or ()
    if enum and value not in enum:
        yield f"{place}: {value!r} is none of {', '.join(enum)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield f"{place}: {value!r} does not match {pattern}"


def _bounds(shape: Shape, size: float, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{what} is {size}, and must be at least {least}"
    if most is not None and size > most:
        yield f"{what} is {size}, and must be at most {most}"


@cache
def _compiled(pattern: str) -> Any:
    """A pattern as Java reads it, for Python: surrogates become the characters that they stand for.

    Whole strings are compared: the models leave anchors out where AWS has them.
    """
    plain = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF").replace("(?i)", "")
    return regex.compile(plain.replace(r"[\w-_]", r"[\w\-_]"), regex.IGNORECASE if "(?i)" in pattern else 0)
