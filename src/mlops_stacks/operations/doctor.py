"""What this machine lacks, with the command that mends it: `preflight` and more, also without a (valid) blueprint.

Nothing is changed, nothing is asked of a cloud.
"""

from __future__ import annotations

import fcntl
import locale
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_components.spec.marked import MARKER, environment_value, marked, marker
from mlops_stacks.blueprint.problems import BlueprintError
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.executors.events import ignore
from mlops_stacks.operations.deployed import Program, programs
from mlops_stacks.operations.opening import NoBlueprintError, open_project
from mlops_stacks.operations.preflight import Check, Outcome, preflight
from mlops_stacks.project import Project

if TYPE_CHECKING:
    from mlops_stacks.executors.embedded.state import State

OLDEST_PYTHON = (3, 11)
_GIB = 1024**3
_SCRATCH_GIB = 0.5
_ZONES = ("UTC", "America/New_York")
"""One that even an empty database may have, and one that only a real database has."""
_SUPERVISOR = "supervisord"
_NAMED = 4
"""So many open operations are named."""


def doctor(blueprint: Path | None, folder: Path, environment: str | None = None) -> Iterator[Check]:
    """Every check, the machine first. A bad blueprint is one of them; `UnknownEnvironmentError` is raised."""
    yield from _machine()
    try:
        project = open_project(blueprint, folder, releases=False)
    except NoBlueprintError as error:
        yield Check("blueprint", Outcome.WARNING, "none was found, so only the machine was checked", str(error))
        return
    except BlueprintError as error:
        remedy = "`mlops-stacks validate` says what, line by line"
        yield Check("blueprint", Outcome.ERROR, f"{len(error.problems)} things are wrong with it", remedy)
        return
    yield Check("blueprint", Outcome.OK, f"{project.file} is valid")
    yield _git(project)
    yield from preflight(project, environment)
    if project.is_local:
        yield from _deployed(project)


# ── the machine ──


def _machine() -> Iterator[Check]:
    yield _python()
    yield _bytecode()
    yield _encoding()
    yield _time_zones()
    yield _home()
    yield _scratch()


def _python() -> Check:
    found, wanted = (".".join(map(str, version)) for version in (sys.version_info[:3], OLDEST_PYTHON))
    if sys.version_info < OLDEST_PYTHON:
        remedy = f"install Python {wanted} or newer, and mlops-stacks into it"
        return Check("Python", Outcome.ERROR, f"{found} at {sys.executable} is too old", remedy)
    return Check("Python", Outcome.OK, f"{found} at {sys.executable}")


def _bytecode() -> Check:
    """Every step is a process of its own: without compiled bytecode each compiles what it imports again."""
    if sys.dont_write_bytecode:
        message = "is switched off: every process takes about five times as long to start"
        return Check("bytecode", Outcome.WARNING, message, "unset PYTHONDONTWRITEBYTECODE")
    return Check("bytecode", Outcome.OK, "is kept")


def _encoding() -> Check:
    names = {sys.getfilesystemencoding(), locale.getencoding()}
    if all(name.lower().replace("-", "") == "utf8" for name in names):
        return Check("locale", Outcome.OK, "UTF-8")
    message = f"{' and '.join(sorted(names))} cannot hold every text"
    return Check("locale", Outcome.WARNING, message, "export LC_ALL=C.UTF-8 PYTHONUTF8=1")


def _time_zones() -> Check:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    for zone in _ZONES:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, OSError):
            remedy = "pip install tzdata"
            return Check("time zones", Outcome.ERROR, f"{zone} is not known, so schedules cannot be read", remedy)
    return Check("time zones", Outcome.OK, "known")


def _home() -> Check:
    """Where tracebacks and the settings of other programs go."""
    try:
        home = Path.home()
    except RuntimeError:
        return Check("home", Outcome.ERROR, "your user has no home folder", 'export HOME="$(pwd)"')
    if not os.access(home, os.W_OK | os.X_OK):
        remedy = f"sudo chown -R {os.getuid()} {home}"
        return Check("home", Outcome.ERROR, f"{home} cannot be written to", remedy)
    return Check("home", Outcome.OK, f"{home} can be written to")


def _scratch() -> Check:
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        remedy = 'export TMPDIR="$HOME/tmp", after making that folder'
        return Check("temporary files", Outcome.ERROR, "no folder for them can be written to", remedy)
    free = shutil.disk_usage(folder).free / _GIB
    if free < _SCRATCH_GIB:
        message = f"only {free:.1f} GiB free in {folder}"
        return Check("temporary files", Outcome.WARNING, message, "make room there, or set TMPDIR to another folder")
    return Check("temporary files", Outcome.OK, f"{free:.1f} GiB free in {folder}")


def _git(project: Project) -> Check:
    found = shutil.which("git")
    if found is not None:
        return Check("git", Outcome.OK, found)
    wanted = any(
        stage is Stage.CONTINUOUS_INTEGRATION and chosen.platform is Platform.LOCAL
        for scope in project.blueprint.scopes
        for stage, chosen in project.blueprint.scope(scope).settings.stages.items()
    )
    remedy = "apt install git, or on macOS: xcode-select --install"
    if wanted:
        return Check("git", Outcome.ERROR, "it is not on PATH, and continuous_integration is a repository", remedy)
    return Check("git", Outcome.WARNING, "it is not on PATH: runs will not record the commit they came from", remedy)


# ── what is deployed here ──


def _deployed(project: Project) -> Iterator[Check]:
    state = project.home / "state"
    readable = True
    for scope in project.blueprint.scopes:
        stack = project.blueprint.stack(scope)
        for check in _stack(state, stack):
            readable = readable and check.outcome is not Outcome.ERROR
            yield check
    if find_spec("psutil") is None:
        return  # said already, with the remedy, among the packages
    known = list(_programs(project)) if readable else None
    if known is not None:
        yield from _stopped(known)
    yield from _orphans(project, known)


def _stack(state: Path, stack: str) -> Iterator[Check]:
    """A stack's lock and its state file."""
    from mlops_stacks.executors.embedded.errors import StateError
    from mlops_stacks.executors.embedded.store import read, state_path

    name = f"stack {stack}"
    held = _lock_is_held(state / f"{stack}.lock")
    if held:
        message = "an `up` or `destroy` is under way"
        yield Check(name, Outcome.WARNING, message, f"wait for it, or look who it is: cat {state / stack}.lock")
    try:
        found = read(state_path(state, stack))
    except StateError as error:
        yield Check(name, Outcome.ERROR, "its state cannot be used", str(error))
        return
    if held:
        return
    if found is None:
        yield Check(name, Outcome.OK, "not deployed")
    elif found.pending or found.doomed:
        message = f"an earlier `up` or `destroy` did not end: {_still_open(found)}"
        yield Check(name, Outcome.WARNING, message, "mlops-stacks up (or destroy): it continues from there")
    else:
        yield Check(name, Outcome.OK, f"{len(found.resources)} entries, nothing open")


def _still_open(state: State) -> str:
    """Which operations have begun and not ended, the first few by name."""
    begun = [f"{pending.operation.value} of {pending.entry.name}" for pending in state.pending]
    begun += [f"delete of the replaced {entry.name}" for entry in state.doomed.values()]
    more = f" and {len(begun) - _NAMED} more" if len(begun) > _NAMED else ""
    return f"{', '.join(begun[:_NAMED])}{more} {'is' if len(begun) == 1 else 'are'} open"


def _lock_is_held(path: Path) -> bool:
    """A lock's file may be left by a run that was killed: it is held only while the kernel says so."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _programs(project: Project) -> Iterator[Program]:
    from mlops_stacks.executors.embedded.executor import EmbeddedExecutor

    return programs(project, EmbeddedExecutor(project.home / "state", ignore), project.blueprint.scopes)


def _stopped(known: Iterable[Program]) -> Iterator[Check]:
    for program in known:
        state = program.state()
        if state == "running":
            yield Check(f"program {program.name}", Outcome.OK, "running")
        else:
            remedy = f"mlops-stacks up; its log is {program.log}"
            yield Check(f"program {program.name}", Outcome.ERROR, f"{state}, though it is deployed", remedy)


def _orphans(project: Project, known: list[Program] | None) -> Iterator[Check]:
    """Processes of this blueprint that no state knows, and of any blueprint whose folder is gone."""
    home = f"{project.home}{os.sep}"
    ours = None
    if known is not None:
        ours = {marker(p.supervisor, p.name) for p in known} | {marker(p.supervisor, _SUPERVISOR) for p in known}

    def is_orphan(value: str) -> bool:
        supervisor = value.partition("#")[0]
        if not Path(supervisor).exists():
            return True
        return ours is not None and supervisor.startswith(home) and value not in ours

    found = {process.pid: environment_value(process, MARKER) or "?" for process in marked(is_orphan)}
    for pid, value in sorted(found.items()):
        message = f"process {pid} is left of {value.replace('#', ': ')}, and nothing looks after it"
        yield Check("processes", Outcome.WARNING, message, f"kill {pid}")
    if not found:
        yield Check("processes", Outcome.OK, "none is left over")
