"""Reads the JSON documents that a platform hands to the runtime, and says in one sentence what is wrong with one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, cast

from typing_extensions import TypedDict

from mlops_components.spec.delivery import CiSettings
from mlops_components.spec.pipeline import PipelineSpec
from mlops_components.spec.settings import ServerSettings, StepSettings
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.folder import read_bytes


class PipelineDefinition(TypedDict):
    """A pipeline as the local runner reads it. Relative paths start at the definition's own folder."""

    pipeline: PipelineSpec
    settings: str
    """Path of the `StepSettings` document."""
    runs: str
    """Folder in which each run gets a folder of its own."""


class ScheduleSettings(TypedDict):
    """What the local scheduler is told."""

    pipelines: list[str]
    """Paths of pipeline definitions."""


def step_settings(uri: str) -> StepSettings:
    """Read a `StepSettings` document. Raises `SettingsError`."""
    return cast(StepSettings, _read(uri, StepSettings, "step settings"))


def server_settings(uri: str) -> ServerSettings:
    """Read a `ServerSettings` document. Raises `SettingsError`."""
    return cast(ServerSettings, _read(uri, ServerSettings, "server settings"))


def schedule_settings(uri: str) -> ScheduleSettings:
    """Read a `ScheduleSettings` document. Raises `SettingsError`."""
    return cast(ScheduleSettings, _read(uri, ScheduleSettings, "schedule settings"))


def ci_settings(uri: str) -> CiSettings:
    """Read a `CiSettings` document. Raises `SettingsError`."""
    return cast(CiSettings, _read(uri, CiSettings, "settings of CI 1"))


def pipeline_definition(path: Path) -> PipelineDefinition:
    """Read a pipeline definition, its paths made absolute. Raises `SettingsError`."""
    definition = cast(PipelineDefinition, _read(str(path), PipelineDefinition, "pipeline definition"))
    folder = path.resolve().parent
    return {
        "pipeline": definition["pipeline"],
        "settings": str(folder / definition["settings"]),
        "runs": str(folder / definition["runs"]),
    }


def parse_json(text: bytes | str, what: str) -> Any:
    """Parse JSON; `what` begins the sentence of the `SettingsError`."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{what} is not JSON: {error.msg} in line {error.lineno}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{what} is not JSON: it is not UTF-8 text.") from error


@cache
def _adapter(shape: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


def _read(uri: str, shape: type, what: str) -> Any:
    from pydantic import ValidationError

    value = parse_json(read_bytes(uri), f"the {what} {uri}")
    try:
        return _adapter(shape).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise SettingsError(f"the {what} {uri} are wrong at `{place}`: {first['msg'].lower()}{more}.") from error
