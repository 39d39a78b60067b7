"""Parameters, metrics and artefacts of each run."""

from typing import Protocol

import pulumi


class ExperimentTracking(Protocol):
    """What experiment tracking offers to the other stages."""

    tracking_uri: pulumi.Output[str]
    """What `mlflow.set_tracking_uri` takes."""
    experiments: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of its experiment."""
    ui_url: pulumi.Output[str]
    """Where a person looks at runs; empty where the platform has only a console."""
