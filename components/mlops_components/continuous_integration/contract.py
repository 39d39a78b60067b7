"""CI 1: a pushed commit is tested, packaged and tried, or refused."""

from typing import Protocol

import pulumi


class ContinuousIntegration(Protocol):
    """What continuous integration offers to people and to other stages."""

    repository: pulumi.Output[str]
    """What one pushes to."""
    branch: pulumi.Output[str]
    """The branch that is built."""
