"""What is there of a blueprint on this machine: programs, their processes, their logs, and the runs of pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mlops_components.spec.marked import marked, marker
from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.http import NoAnswerError, request
from mlops_stacks.project import Project
from mlops_stacks.runtime.monitoring.places import Places

_PROGRAM = ":dynamic/local:Program"
_COMPONENT = "mlops-stacks:index:"
_HEALTH_SECONDS = 3.0


class _Properties(Protocol):
    @property
    def values(self) -> Mapping[str, Any]: ...


class _Entry(Protocol):
    """What this module reads of a resource in the embedded executor's state."""

    @property
    def urn(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def outputs(self) -> _Properties: ...


@runtime_checkable
class KnowsResources(Protocol):
    """An executor that can say which resources a stack has."""

    def resources(self, stack: str) -> Iterable[_Entry]: ...


@dataclass(frozen=True)
class Program:
    """A program that the supervisor of the blueprint keeps running."""

    scope: str
    stage: str
    name: str
    log: Path
    supervisor: str
    health_url: str | None

    def pids(self) -> list[int]:
        """Its living processes."""
        ours = marker(self.supervisor, self.name)
        return sorted(process.pid for process in marked(lambda value: value == ours))

    def state(self) -> str:
        """`running`, `not answering` (its health page does not say yes), or `stopped`."""
        if not self.pids():
            return "stopped"
        return "running" if self.health_url is None or is_healthy(self.health_url) else "not answering"


def is_healthy(url: str) -> bool:
    """Whether a health page answers with success soon."""
    try:
        return request(url, seconds=_HEALTH_SECONDS).ok
    except NoAnswerError:
        return False


def programs(project: Project, executor: Executor, scopes: Iterable[str]) -> Iterator[Program]:
    """The programs of scopes, as the executor's state has them; none where it keeps no resources here."""
    if not isinstance(executor, KnowsResources):
        return
    for scope in scopes:
        entries = {entry.urn: entry for entry in executor.resources(project.blueprint.stack(scope))}
        for entry in entries.values():
            if entry.type.endswith(_PROGRAM):
                values = entry.outputs.values
                yield Program(
                    scope=scope,
                    stage=_stage_of(entry, entries),
                    name=str(values["name"]),
                    log=Path(str(values["log"])),
                    supervisor=str(values["supervisor"]),
                    health_url=values.get("health_url"),
                )


def _stage_of(entry: _Entry, entries: Mapping[str, _Entry]) -> str:
    """The stage whose component a resource belongs to. Components are called `<Engine><Stage>`."""
    above: _Entry | None = entry
    while above is not None and not above.type.startswith(_COMPONENT):
        above = entries.get(above.parent or "")
    name = above.type.removeprefix(_COMPONENT) if above else ""
    return next((stage.value for stage in Stage if name.endswith(stage.value.title().replace("_", ""))), "")


def runs(exports: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of an environment's pipelines on this machine, latest first."""
    from mlops_stacks.runtime.run_status import read_runs

    found: list[dict[str, Any]] = []
    for folder in _run_folders(exports):
        found += read_runs(folder)
    return sorted(found, key=lambda run: str(run["started"]), reverse=True)


def _run_folders(exports: Mapping[str, Any]) -> Iterator[Path]:
    from mlops_stacks.runtime.documents import pipeline_definition

    for definition in exports.get(Stage.TRAINING_PIPELINE.value, {}).get("pipelines", {}).values():
        path = Path(str(definition))
        if path.is_file():
            yield Path(pipeline_definition(path)["runs"])


def log_files(project: Project, executor: Executor, stage: Stage, scopes: Iterable[str]) -> list[tuple[str, Path]]:
    """Name and path of each log of a stage: of its programs, of each environment's last run, and of its reports."""
    scopes = tuple(scopes)
    found = [(p.name, p.log) for p in programs(project, executor, scopes) if p.stage == stage.value]
    if stage is Stage.TRAINING_PIPELINE:
        for scope in scopes:
            if scope != SHARED:
                found += _logs_of_last_run(project, executor, scope)
    if stage is Stage.MONITORING and found:
        for scope in scopes:
            found += _logs_of_reports(executor.outputs(project.blueprint.stack(scope)), scope)
    return found


def _logs_of_reports(exported: Mapping[str, Any], scope: str) -> Iterator[tuple[str, Path]]:
    """What those said that made the reports: each is a process of its own."""
    for model, folder in sorted(exported.get(Stage.MONITORING.value, {}).get("reports", {}).items()):
        log = Places(Path(str(folder))).log
        if log.is_file():
            yield f"{scope} reports on {model}", log


def _logs_of_last_run(project: Project, executor: Executor, scope: str) -> Iterator[tuple[str, Path]]:
    latest = runs(executor.outputs(project.blueprint.stack(scope)))[:1]
    for run in latest:
        for step in run["steps"]:
            if Path(step["log"]).is_file():
                yield f"{run['run_id']} {step['name']}", Path(step["log"])
