"""The foundation's key, as stages that take a key of their own are given it."""

from __future__ import annotations

from typing import Any

from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation, SkipKey
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context


def key_arn(context: Context) -> Any | None:
    """ARN of the key of a scope; None where the blueprint has none made, so that the services' own encrypt."""
    chosen: AwsFoundation = context.options(Stage.FOUNDATION)
    foundation: Any = context.contract(Stage.FOUNDATION)
    return None if isinstance(chosen.key, SkipKey) else foundation.key_arn
