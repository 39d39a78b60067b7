"""Predictions on request."""

from typing import Protocol

import pulumi


class Serving(Protocol):
    """What serving offers to the other stages. A model whose release is `none` is in neither."""

    endpoints: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> URL (on a cloud: name) of its endpoint."""
    versions: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> version that is served."""


class AwsServing(Serving, Protocol):
    """What serving on AWS offers besides, for alarms and monitors."""

    endpoint_names: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of the endpoint, function or service, as its metrics have it."""
    variant_names: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> variant (of a function: alias) that has the released version."""
    capture_roots: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> folder URI below which SageMaker keeps requests, as
    `<endpoint>/<variant>/<year>/<month>/<day>/<hour>/*.jsonl`. A model whose server keeps them itself is not in it."""
