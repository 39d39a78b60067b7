"""The words of a blueprint: platforms, stages, scopes (DESIGN.md, sections 1 and 2)."""

from __future__ import annotations

from enum import StrEnum

SHARED = "shared"
"""The scope of what exists once per blueprint; no environment may bear this name."""


class Platform(StrEnum):
    """Where a stage runs."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    KUBERNETES = "kubernetes"
    LOCAL = "local"


def is_platform(value: object) -> bool:
    """Whether a value of a document, of whatever type, names a platform."""
    return isinstance(value, str) and value in set(Platform)


class Stage(StrEnum):
    """One part of the ML lifecycle, in display order."""

    FOUNDATION = "foundation"
    FEATURE_STORE = "feature_store"
    WORKBENCH = "workbench"
    CONTINUOUS_INTEGRATION = "continuous_integration"
    PIPELINE_DELIVERY = "pipeline_delivery"
    EXPERIMENT_TRACKING = "experiment_tracking"
    TRAINING_PIPELINE = "training_pipeline"
    MODEL_REGISTRY = "model_registry"
    SERVING = "serving"
    MONITORING = "monitoring"


COMPOSITION_ORDER = (
    Stage.FOUNDATION,
    Stage.EXPERIMENT_TRACKING,
    Stage.MODEL_REGISTRY,
    Stage.FEATURE_STORE,
    Stage.TRAINING_PIPELINE,
    Stage.SERVING,
    Stage.MONITORING,
    Stage.WORKBENCH,
    Stage.PIPELINE_DELIVERY,
    Stage.CONTINUOUS_INTEGRATION,
)
"""A stage may read the contracts of those before it, never of those after it."""


class Lifecycle(StrEnum):
    """What `destroy` does to what holds data."""

    DELETE = "delete"
    """It goes with the rest."""
    RETAIN = "retain"
    """It stays and is no longer managed."""
    PROTECT = "protect"
    """`destroy` deletes nothing at all while it is there, and names it."""


class Approval(StrEnum):
    """Who lets a trained version be released."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"
