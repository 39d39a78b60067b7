"""What every engine of every stage takes."""

from __future__ import annotations

from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.vocabulary import Lifecycle, Platform


class StageOptions(Model):
    """What every engine of every stage takes."""

    engine: str
    """The system that implements the stage; default: the platform's own."""
    platform: Platform
    """Where the stage runs; default: the blueprint's platform. Another one needs a target in each environment."""
    lifecycle: Lifecycle | None = None
    """What `destroy` does to what holds data here; default: the blueprint's `lifecycle`."""
