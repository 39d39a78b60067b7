"""Processes that the local platform started, recognised by what stands in their environment.

A process identifier is reused and a parent may be gone, but the environment that a process was started with stays
readable and is inherited by its children. So everything that belongs to a supervised program is found, even when
the supervisor was killed. Used by the local platform and by `mlops_stacks.runtime.launch`; needs psutil.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MARKER = "MLOPS_STACKS_MARKER"
"""Environment variable: `<folder of the supervisor>#<name of the program>`."""

DIGEST = "MLOPS_STACKS_DIGEST"
"""Environment variable: hash of the program's definition that the process was started with."""


def marker(supervisor: str, program: str) -> str:
    """What marks the processes of `program` under the supervisor in that folder."""
    return f"{supervisor}#{program}"


def environment_value(process: "psutil.Process", name: str) -> str | None:
    """What `name` is in the environment of `process`; None if unset, unreadable, or the process is gone."""
    import psutil

    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(name)
    except (psutil.Error, OSError):
        return None


def marked(wanted: Callable[[str], bool]) -> list["psutil.Process"]:
    """The living processes whose marker is `wanted`, without this one and its ancestors."""
    import psutil

    own = psutil.Process()
    spared = {own.pid, *(ancestor.pid for ancestor in own.parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid not in spared:
            value = environment_value(process, MARKER)
            if value is not None and wanted(value):
                found.append(process)
    return found


def end(processes: Iterable["psutil.Process"], patience: float = 3.0) -> list["psutil.Process"]:
    """Ask `processes` to end, after `patience` seconds make them, and return those that are still there."""
    import psutil

    remaining = list(processes)
    for stop in (psutil.Process.terminate, psutil.Process.kill):
        for process in remaining:
            try:
                stop(process)
            except psutil.NoSuchProcess:
                continue
        _, remaining = psutil.wait_procs(remaining, timeout=patience)
        remaining = [process for process in remaining if _is_alive(process)]
        if not remaining:
            break
    return remaining


def _is_alive(process: "psutil.Process") -> bool:
    """A zombie counts as dead: it holds neither port nor file, and only its parent can clear it away."""
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
