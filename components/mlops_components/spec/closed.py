"""Types that refuse unknown keys when pydantic reads them."""

from typing import TypeVar

T = TypeVar("T", bound=type)


def closed(typed_dict: T) -> T:
    """Mark a TypedDict as complete: whoever validates it by pydantic refuses a key that it does not have."""
    typed_dict.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return typed_dict
