"""What CI 1 on a laptop is told: written by the composition, read by `mlops_stacks.runtime.delivery`."""

from typing import Any, NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.spec.feature import FeatureStoreRef
from mlops_components.spec.pipeline import PipelineSpec
from mlops_components.spec.settings import SecretRef

WORK = "work"
"""Folder of a build's own files below the builds; emptied when a build begins, gone when it ends."""


class SmokeFeatures(TypedDict):
    """A feature store for smoke models alone: made in a build's own files, and gone with them."""

    store: FeatureStoreRef
    files: dict[str, str]
    """The files of its Feast repository: name -> content."""


class SmokeModel(TypedDict):
    """A model that CI 1 trains on a small slice, to see that the pipeline's steps work together."""

    pipeline: PipelineSpec
    """Its steps; the schedule is left out of account."""
    parameters: dict[str, Any]
    """The blueprint's parameters of this model."""
    features: NotRequired[list[str]]
    """What it reads from the feature store."""


class CiSettings(TypedDict):
    """How a pushed commit is judged, and where what it gives is kept."""

    blueprint: str
    branch: str
    """Only commits on this branch are built; others are taken as they are."""
    folder: str
    """Folder of the workload in the repository; `.` is the repository itself."""
    entry_point: Optional[str]
    """`package.module:attribute` of the workload; None: there is no pipeline to try."""
    test_command: list[str]
    """Run in the workload's folder of a clean checkout; a first word `python` means this interpreter."""
    timeout_minutes: int
    """Time limit of the tests, of the wheel, and of each step of a smoke model."""
    smoke_parameters: dict[str, Any]
    """Parameters that make a smoke model small; they replace the model's own."""
    models: dict[str, SmokeModel]
    secrets: NotRequired[dict[str, SecretRef]]
    """Environment variable of each step -> where its value is."""
    feature_store: NotRequired[Optional[SmokeFeatures]]
    """None: there is no feature store."""
    builds: str
    """Absolute path of the folder in which each build gets a folder of its own."""
    packages: str
    """Absolute path of the folder in which each package gets a folder of its own."""
