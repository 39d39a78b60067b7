"""The options of the engines of one machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from mlops_stacks.blueprint.stage_options import StageOptions


class LocalTracking(StageOptions):
    """MLflow on this machine."""

    engine: Literal["local"] = "local"
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Port of the MLflow server; default: a free one, chosen once and kept."""


class LocalServing(StageOptions):
    """The project's own server on this machine, one process per served model."""

    engine: Literal["local"] = "local"
    log_megabytes: Annotated[int, Field(ge=1, le=1024)] = 10
    """A log is rotated when it reaches this size."""


class LocalContinuousIntegration(StageOptions):
    """A bare git repository on this machine, whose hook tests, packages and tries what is pushed."""

    engine: Literal["local"] = "local"
    branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")] = (
        "main"
    )
    """The branch that is built; others are taken as they are."""
    folder: str = "."
    """Folder of the workload, with its `pyproject.toml`, in the repository."""
    test_command: Annotated[tuple[str, ...], Field(min_length=1)] = ("python", "-m", "pytest", "-q")
    """Run in that folder of a clean checkout; a push is refused where it fails. `python` is the platform's own."""
    smoke_parameters: dict[str, JsonValue] = {}
    """Parameters that make the data of a smoke model small; they replace the model's own."""
    timeout_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 30
    """Time limit of the tests, of the wheel, and of each step of a smoke model."""


class LocalWorkbench(StageOptions):
    """JupyterLab on this machine."""

    engine: Literal["local"] = "local"
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Port of JupyterLab; default: a free one, chosen once and kept."""
    kernel_idle_minutes: Annotated[int, Field(ge=1)] | None = 60
    """A notebook's process that did nothing for so long is ended; null: never."""


class LocalMonitoring(StageOptions):
    """A monitor on this machine, which makes Evidently reports and raises alarms."""

    engine: Literal["local"] = "local"
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Port of the monitor's metrics; default: a free one, chosen once and kept."""
    window_days: Annotated[int, Field(ge=1, le=366)] = 7
    """Days that a report looks back on, and on which thresholds are calibrated."""
    windows_running: Annotated[int, Field(ge=1, le=100)] = 2
    """So many windows in a row must have drifted for an alarm."""
    keep_pages: Annotated[int, Field(ge=1)] = 60
    """So many HTML pages of reports (about 5 MB each) are kept; what they found is kept for good."""
