"""Blueprint -> serving."""

from __future__ import annotations

from typing import Any

from mlops_stacks.compose.context import Context


def build(context: Context) -> Any:
    """The serving of an environment."""
    return _local(context)
