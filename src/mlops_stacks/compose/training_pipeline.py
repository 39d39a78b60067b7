"""Blueprint -> training pipeline."""

from __future__ import annotations

from typing import Any

from mlops_stacks.compose.context import Context


def build(context: Context) -> Any:
    """The training pipeline of an environment."""
    return _local(context)
