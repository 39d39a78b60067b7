"""Blueprint -> serving, by the engine that was chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context


def build(context: Context) -> Any:
    """Endpoints of the released models of an environment."""
    engine = context.options(Stage.SERVING).engine
    # Imported here and now: no engine pays for the parts of the SDK that another needs.
    return import_module(f"mlops_stacks.compose.on_aws.serving_{engine}").build(context)
