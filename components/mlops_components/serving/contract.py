"""Predictions on request."""

from typing import Protocol

import pulumi


class Serving(Protocol):
    """What serving offers to the other stages. A model whose release is `none` is in neither."""

    endpoints: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> URL (on a cloud: name) of its endpoint."""
    versions: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> version that is served."""
