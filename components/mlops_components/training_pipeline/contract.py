"""Extract, validate, prepare, train, evaluate, validate, register: on a schedule, on a trigger, by hand."""

from typing import Protocol

import pulumi


class TrainingPipeline(Protocol):
    """What a training pipeline offers to the other stages."""

    pipelines: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> what identifies its pipeline (an ARN; on a laptop the definition's path)."""
