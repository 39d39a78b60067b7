"""Versions of models, their approval and their lineage."""

from typing import Protocol

import pulumi


class ModelRegistry(Protocol):
    """What a model registry offers to the other stages."""

    registry_uri: pulumi.Output[str]
    """What the runtime's registry opens: what `mlflow.set_registry_uri` takes, or `sagemaker://<region>`."""
    registered_models: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name (or ARN) under which its versions are registered."""
