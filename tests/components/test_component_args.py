"""Arguments of components: what fits passes untouched, what does not is one sentence that says what to write."""

import asyncio
import contextlib
from enum import Enum
from typing import Any, NotRequired, Optional

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked


class Size(Enum):
    SMALL = "Small"
    LARGE = "Large"


class Window(TypedDict):
    day: str
    hours: NotRequired[list[int]]


class ExampleArgs(TypedDict):
    name: str
    """A plain value."""
    key_arn: pulumi.Input[str]
    windows: NotRequired[list[Window]]
    by_model: NotRequired[dict[str, Window]]
    ratio: NotRequired[float]
    public: NotRequired[bool]
    size: NotRequired[Size]
    note: NotRequired[Optional[str]]  # noqa: UP045 - components write Optional
    tags: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    nested: NotRequired[Optional[pulumi.Input[Window]]]  # noqa: UP045 - components write Optional
    anything: NotRequired[Any]


GOOD: dict[str, Any] = {"name": "n", "key_arn": "arn"}


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"windows": [{"day": "Mon", "hours": [1, 2]}, {"day": "Tue"}]},
        {"windows": []},
        {"by_model": {"m": {"day": "Mon"}}},
        {"ratio": 1},
        {"ratio": 0.5},
        {"public": False},
        {"size": "Large"},
        {"size": Size.SMALL},
        {"note": None},
        {"note": "n"},
        {"nested": None},
        {"nested": {"day": "Mon"}},
        {"tags": {"a": "b"}},
        {"anything": object()},
    ],
)
def test_what_fits_passes_untouched(extra: dict[str, Any]) -> None:
    args = {**GOOD, **extra}
    assert checked(args, ExampleArgs, "Example") is args


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({**GOOD, "nmae": "x"}, "Example: 'nmae' is not a key of ExampleArgs; did you mean 'name'?"),
        ({"name": "n"}, "Example: 'key_arn' is missing; write text."),
        ({**GOOD, "name": 3}, "Example: 'name' is a whole number; write text."),
        ({**GOOD, "name": None}, "Example: 'name' is empty; write text, or leave the key out if it is optional."),
        ({**GOOD, "public": "yes"}, "Example: 'public' is text; write true or false."),
        ({**GOOD, "ratio": True}, "Example: 'ratio' is true or false; write a number."),
        ({**GOOD, "ratio": "1"}, "Example: 'ratio' is text; write a number."),
        ({**GOOD, "size": "Medium"}, "Example: 'size' is text; write one of 'Small', 'Large'."),
        (
            {**GOOD, "windows": {"day": "Mon"}},
            "Example: 'windows' is a mapping; write a list of which each member is a mapping with the keys of Window.",
        ),
        ({**GOOD, "windows": [{"day": "Mon"}, {}]}, "Example: 'windows[1].day' is missing; write text."),
        (
            {**GOOD, "windows": [{"day": "Mon", "hours": [1, 2.5]}]},
            "Example: 'windows[0].hours[1]' is a number; write a whole number.",
        ),
        (
            {**GOOD, "by_model": {"m": {"dya": "Mon"}}},
            "Example: 'by_model['m'].dya' is not a key of Window; did you mean 'day'?",
        ),
        (
            {**GOOD, "by_model": {"m": {"day": "Mon", "zzz": 1}}},
            "Example: 'by_model['m'].zzz' is not a key of Window; its keys are day, hours.",
        ),
        (
            {**GOOD, "by_model": {1: {"day": "Mon"}}},
            "Example: 'by_model' has a key that is a whole number; write keys as text.",
        ),
        ({**GOOD, "nested": {"day": 1}}, "Example: 'nested.day' is a whole number; write text."),
        ({**GOOD, "tags": {"a": 1}}, "Example: 'tags['a']' is a whole number; write text."),
        ([("name", "n")], "Example: the arguments are a list; pass a dict with the keys of ExampleArgs."),
    ],
)
def test_what_does_not_fit_is_a_sentence(args: Any, sentence: str) -> None:
    with pytest.raises(ArgsError) as raised:
        checked(args, ExampleArgs, "Example")
    assert str(raised.value) == sentence


def test_outputs_pass_where_an_input_is_declared_and_only_there() -> None:
    async def scenario() -> None:
        output = pulumi.Output.from_input("later")
        checked({**GOOD, "key_arn": output, "tags": {"a": output}, "nested": output}, ExampleArgs, "Example")
        future = asyncio.get_running_loop().create_future()
        checked({**GOOD, "key_arn": future}, ExampleArgs, "Example")
        future.cancel()
        with pytest.raises(ArgsError, match="'name' must be known before deployment; write a plain value"):
            checked({**GOOD, "name": output}, ExampleArgs, "Example")

    asyncio.run(scenario())


def test_no_value_is_repeated_in_a_message() -> None:
    with pytest.raises(ArgsError) as raised:
        checked({**GOOD, "public": "hunter2"}, ExampleArgs, "Example")
    assert "hunter2" not in str(raised.value)


@given(
    st.dictionaries(
        st.sampled_from([*ExampleArgs.__annotations__, "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_value_passes_or_is_one_sentence(args: dict[str, Any]) -> None:
    with contextlib.suppress(ArgsError):
        checked(args, ExampleArgs, "Example")
