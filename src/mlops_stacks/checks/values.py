"""What a value in a plan can be besides itself: a token, an unknown, a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from mlops_stacks.plan import SECRET, UNKNOWN, PlannedResource

_TOKEN = re.compile(r"\$\{(?P<urn>urn:[^#{}]*)#(?P<output>[^{}#]*)\}")
_STACK = "::pulumi:pulumi:Stack::"


def is_token(value: Any) -> bool:
    """Whether the whole value is a reference to another resource's output."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def has_token(value: Any) -> bool:
    """Whether a text contains a reference to another resource's output."""
    return isinstance(value, str) and _TOKEN.search(value) is not None


def referenced(value: Any) -> Iterator[str]:
    """Yield the URNs that a text refers to."""
    if isinstance(value, str):
        yield from (match["urn"] for match in _TOKEN.finditer(value))


def is_open(value: Any) -> bool:
    """Whether nothing can be said about a value: it is masked, unknown, or an unknown of another stack."""
    if not isinstance(value, str):
        return False
    return value in (SECRET, UNKNOWN) or (_STACK in value and is_token(value))


def is_known_text(value: Any) -> bool:
    """Whether a value is a text that reads the same offline and on the platform."""
    return isinstance(value, str) and not is_open(value) and not has_token(value)


def is_read(resource: PlannedResource) -> bool:
    """Whether a resource exists already and is only referred to."""
    return "read" in resource.options


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every scalar inside a value with its path, such as `rules[0].name`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def suggestion(word: str, known: Any) -> str:
    """Say which known word was probably meant, or which there are."""
    words = sorted(str(each) for each in known)
    by_letters = {_letters(each): each for each in words}
    if _letters(word) in by_letters:
        return f"did you mean `{by_letters[_letters(word)]}`?"
    close = get_close_matches(word, words, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    shown = ", ".join(f"`{each}`" for each in words[:12])
    return f"use one of {shown}{', …' if len(words) > 12 else ''}" if words else "leave it out"


def same_letters(word: str, known: Any) -> bool:
    """Whether a known word differs from this one in case and separators only."""
    return _letters(word) in {_letters(str(each)) for each in known}


def _letters(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())
