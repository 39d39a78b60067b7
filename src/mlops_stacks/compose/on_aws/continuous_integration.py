"""Blueprint -> CI 1, by the engine that was chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context


def build(context: Context) -> Any:
    """What judges a pushed commit."""
    engine: str = context.options(Stage.CONTINUOUS_INTEGRATION).engine
    return import_module(f"mlops_stacks.compose.on_aws.ci_{engine}").build(context)
