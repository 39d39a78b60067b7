"""What every stage may rely on: places to keep things."""

from typing import Protocol

import pulumi


class Foundation(Protocol):
    """What a foundation offers to the other stages, on every platform. Roots are fsspec URIs without a final slash."""

    artifact_root: pulumi.Output[str]
    """Where pipelines, models and run folders go."""
    data_root: pulumi.Output[str]
    """Where data sets go."""
    capture_root: pulumi.Output[str]
    """Where captured requests and predictions go."""
