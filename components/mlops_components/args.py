"""Run-time check of component arguments.

A component's arguments are a `TypedDict`, which Python itself never checks: a mistyped key would silently fall back to
its default, and a number where text belongs would only fail at the provider. `checked` finds both at the call, once
for every component, and says in one sentence what to write instead.

It refuses outputs where the type has no `pulumi.Input`: such a value decides which resources exist or what they are
called, and must be known before anything is deployed.
"""

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NotRequired, Required, TypeVar, Union, cast, get_args, get_origin

import pulumi
from typing_extensions import ReadOnly, get_type_hints, is_typeddict

T = TypeVar("T")


class ArgsError(ValueError):
    """Arguments do not fit a component; the message is one sentence: which component, where, and what to write."""


def checked(args: Mapping[str, Any], typed_dict: type[T], component: str) -> T:
    """Return `args`, typed, if they fit `typed_dict` at every depth.

    `component` is the class name that a message starts with. Outputs and awaitables are accepted wherever the type
    is a `pulumi.Input`, unread. The first misfit raises `ArgsError`. Values never appear in a message, since any of
    them may be secret.
    """
    if not isinstance(args, Mapping):
        raise ArgsError(
            f"{component}: the arguments are {_describe(args)}; pass a dict with the keys of {_name(typed_dict)}."
        )
    _check_typed_dict(args, typed_dict, "", lambda sentence: ArgsError(f"{component}: {sentence}"))
    return cast(T, args)


_Error = Callable[[str], ArgsError]


def _check(value: Any, expected: Any, path: str, error: _Error) -> None:
    alternatives = _alternatives(expected)
    if Any in alternatives:
        return
    if _is_deferred(value):
        if not any(_is_deferred_type(kind) for kind in alternatives):
            raise error(f"'{path}' must be known before deployment; write a plain value instead of an output.")
        return
    plain = [kind for kind in alternatives if not _is_deferred_type(kind)]
    if value is None:
        if NoneType not in plain:
            raise error(f"'{path}' is empty; write {_wanted(plain)}, or leave the key out if it is optional.")
        return
    fitting = [kind for kind in plain if _same_shape(value, kind)]
    if not fitting:
        raise error(f"'{path}' is {_describe(value)}; write {_wanted(plain)}.")
    _check_members(value, fitting[0], path, error)


def _check_members(value: Any, expected: Any, path: str, error: _Error) -> None:
    if is_typeddict(expected):
        _check_typed_dict(value, expected, path, error)
    elif get_origin(expected) is list:
        for position, member in enumerate(value):
            _check(member, get_args(expected)[0], f"{path}[{position}]", error)
    elif get_origin(expected) is dict:
        for key, member in value.items():
            if not isinstance(key, str):
                raise error(f"'{path}' has a key that is {_describe(key)}; write keys as text.")
            _check(member, get_args(expected)[1], f"{path}[{key!r}]", error)


def _check_typed_dict(value: Mapping[Any, Any], expected: Any, path: str, error: _Error) -> None:
    hints = _hints(expected)
    prefix = f"{path}." if path else ""
    for key in value:
        if key not in hints:
            raise error(f"'{prefix}{key}' is not a key of {_name(expected)}; {_suggestion(str(key), hints)}")
    for key in sorted(expected.__required_keys__):
        if key not in value:
            raise error(f"'{prefix}{key}' is missing; write {_wanted(_alternatives(hints[key]))}.")
    for key, member in value.items():
        _check(member, hints[key], f"{prefix}{key}", error)


@cache
def _hints(typed_dict: Any) -> Mapping[str, Any]:
    # `pulumi.Input` refers to `Output[T]` by name, which get_type_hints would look up in the module of the arguments.
    return get_type_hints(typed_dict, localns={"Output": pulumi.Output, "T": Any}, include_extras=True)


def _suggestion(key: str, hints: Mapping[str, Any]) -> str:
    close = get_close_matches(key, hints, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"its keys are {', '.join(sorted(hints))}." if hints else "it takes no keys."


def _alternatives(expected: Any) -> list[Any]:
    """The members of a union, nested ones included, without the markers `Required`, `NotRequired` and `ReadOnly`."""
    origin = get_origin(expected)
    if origin in (NotRequired, Required, ReadOnly):
        return _alternatives(get_args(expected)[0])
    if origin in (Union, UnionType):
        return [kind for member in get_args(expected) for kind in _alternatives(member)]
    return [NoneType if expected is None else expected]


def _is_deferred(value: Any) -> bool:
    return isinstance(value, pulumi.Output) or inspect.isawaitable(value)


def _is_deferred_type(expected: Any) -> bool:
    origin = get_origin(expected) or expected
    return isinstance(origin, type) and (issubclass(origin, pulumi.Output) or hasattr(origin, "__await__"))


def _same_shape(value: Any, expected: Any) -> bool:
    """Whether `value` fits `expected` on the surface; members are checked by the caller."""
    if is_typeddict(expected):
        return isinstance(value, Mapping)
    kind = get_origin(expected) or expected
    if kind is dict:
        return isinstance(value, Mapping)
    if kind is list:
        return isinstance(value, (list, tuple))
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if issubclass(kind, Enum):
        return isinstance(value, kind) or value in [choice.value for choice in kind]
    return isinstance(value, kind)


_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}


def _wanted(alternatives: list[Any]) -> str:
    plain = [kind for kind in alternatives if not _is_deferred_type(kind) and kind is not NoneType]
    return " or ".join(dict.fromkeys(_word(kind) for kind in plain)) or "nothing"


def _word(expected: Any) -> str:
    if is_typeddict(expected):
        return f"a mapping with the keys of {_name(expected)}"
    kind = get_origin(expected) or expected
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "one of " + ", ".join(repr(choice.value) for choice in kind)
    if kind is list:
        return f"a list of which each member is {_wanted(_alternatives(get_args(expected)[0]))}"
    if kind is dict:
        return f"a mapping from text to {_wanted(_alternatives(get_args(expected)[1]))}"
    return _WORDS.get(kind, f"a {_name(kind)}")


def _describe(value: Any) -> str:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return _WORDS[kind] if kind is not bool else "true or false"
    if value is None:
        return "empty"
    return (
        "a mapping"
        if isinstance(value, Mapping)
        else "a list"
        if isinstance(value, (list, tuple))
        else f"a {_name(type(value))}"
    )


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
