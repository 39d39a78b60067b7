"""`init`: the files of a new project. The blueprint is checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_stacks.blueprint.engine import Engine
from mlops_stacks.blueprint.engines import engines_of
from mlops_stacks.blueprint.problems import BlueprintError
from mlops_stacks.blueprint.vocabulary import COMPOSITION_ORDER, Platform
from mlops_stacks.executors.names import PULUMI_PROJECT

BLUEPRINT_FILE = "blueprint.yaml"
IGNORED = (".mlops-stacks/", "__pycache__/", ".venv/")

_TARGETS: dict[Platform, dict[str, str]] = {
    Platform.AWS: {"account": "123456789012", "region": "eu-west-1"},
    Platform.GCP: {"project": "my-project", "region": "europe-west1"},
    Platform.AZURE: {"subscription": "00000000-0000-0000-0000-000000000000", "location": "westeurope"},
    Platform.KUBERNETES: {"context": "my-cluster"},
    Platform.LOCAL: {},
}

_PULUMI = f"""\
name: {PULUMI_PROJECT}
description: The platform that {BLUEPRINT_FILE} describes.
runtime: python
config:
  blueprint:
    type: string
    default: {BLUEPRINT_FILE}
"""

_MAIN = """\
import runpy
runpy.run_module("mlops_stacks.program", run_name="__main__")
"""


class CannotStartError(Exception):
    """A project cannot be begun; one sentence says why."""


@dataclass(frozen=True)
class Start:
    """What a new project is made from."""

    name: str
    platform: str
    environments: tuple[str, ...]
    target: Mapping[str, str]
    model: str | None = None
    workload: str | None = None
    workload_path: str = "."


def default_name(folder: Path) -> str:
    """A legal name made from the folder's."""
    cleaned = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    cleaned = re.sub(r"^[^a-z]+", "", cleaned)[:24].rstrip("-")
    return cleaned or "platform"


def required_target(platform: str) -> Mapping[str, str]:
    """The fields that a target on this platform must have, each with an example. Raises `CannotStartError`."""
    return _TARGETS[_platform(platform)]


def _platform(name: str) -> Platform:
    try:
        return Platform(name)
    except ValueError:
        raise CannotStartError(f"there is no platform `{name}`; choose one of {', '.join(Platform)}") from None


def write_project(folder: Path, start: Start) -> list[Path]:
    """Write the files that are missing and return them. Raises `CannotStartError` before anything is written."""
    text = blueprint_text(start)
    files = {
        folder / BLUEPRINT_FILE: text,
        folder / "Pulumi.yaml": _PULUMI,
        folder / "__main__.py": _MAIN,
    }
    taken = [str(path) for path in files if path.exists()]
    if taken:
        raise CannotStartError(f"{' and '.join(taken)} exist already and are never overwritten; choose another folder")
    ignore = folder / ".gitignore"
    if not ignore.exists():
        files[ignore] = "\n".join(IGNORED) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        with path.open("x", encoding="utf-8") as stream:
            stream.write(content)
    return list(files)


def blueprint_text(start: Start) -> str:
    """The text of a valid blueprint. Raises `CannotStartError` where there can be none."""
    import yaml

    from mlops_stacks.blueprint.assemble import assemble

    ready = _ready_engines(_platform(start.platform))
    if not ready:
        raise CannotStartError(f"no stage is ready on {start.platform} yet; `mlops-stacks platforms` shows what is")
    begun = [engine for engine in ready if not engine.decision]
    text = "\n".join((*_head(start, begun), *_later(ready), *_models(start, begun), ""))
    _, problems = assemble(yaml.safe_load(text))
    if problems:
        raise CannotStartError(str(BlueprintError(problems)))
    return text


def _ready_engines(platform: Platform) -> list[Engine]:
    """The default engine of each stage, where it has a component and those that it needs have one as well."""
    found: list[Engine] = []
    for stage in COMPOSITION_ORDER:
        engine = next(engines_of(stage, platform), None)
        if engine is not None and engine.has_component and set(engine.needs) <= {e.stage for e in found}:
            found.append(engine)
    return found


def _head(start: Start, ready: list[Engine]) -> Iterator[str]:
    yield "schema_version: 1"
    yield f"name: {_scalar(start.name)}"
    yield f"platform: {start.platform}"
    yield "environments:  # in the order of promotion"
    for environment in start.environments:
        yield f"  {_scalar(environment)}: {_flow({'target': dict(start.target)} if start.target else {})}"
    yield f"stages: [{', '.join(engine.stage.value for engine in ready)}]"


def _later(ready: list[Engine]) -> Iterator[str]:
    undecided = [f"{engine.stage} ({engine.decision})" for engine in ready if engine.decision]
    if undecided:
        yield f"# Once these are decided: {'; '.join(undecided)}"


def _models(start: Start, ready: list[Engine]) -> Iterator[str]:
    if start.model is None:
        yield "# Next, a model and where its code is:"
        yield "# workload: {entry_point: my_package.workload:workload, path: .}"
        yield "# models: {my_model: {}}"
        return
    if any(engine.reads_field("workload.entry_point") for engine in ready):
        yield f"workload: {_flow({'entry_point': start.workload, 'path': start.workload_path})}"
    yield "models:"
    yield f"  {_scalar(start.model)}: {{}}"


def _scalar(value: str) -> str:
    return _flow(value)


def _flow(value: Any) -> str:
    """A value in YAML on one line, quoted where it must be."""
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
