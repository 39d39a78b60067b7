"""CD 1: which version of the pipeline an environment runs."""

from typing import Protocol

import pulumi


class PipelineDelivery(Protocol):
    """What pipeline delivery offers to the other stages."""

    packages: pulumi.Output[str]
    """Where versioned pipeline packages are kept."""
