"""From nothing to a served prediction on one machine, then idle, `up` again, and `destroy`: seconds, memory, leftovers.

Everything is done by the command line, as a user would, in a temporary folder. Needs the extra `local`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from figures import BENCHMARKS, PYTHON, ROOT, Figure, program, table
from measure import median, repeat, run

from mlops_components.spec.marked import MARKER, end, environment_value, marked

AIM_FIRST_PREDICTION, AIM_NO_OP, AIM_DESTROY = 45.0, 3.0, 10.0
"""Seconds."""
AIM_IDLE_MB = 1024.0
SETTLE_SECONDS = 5.0
"""How long the servers are left alone before their memory is read."""

BLUEPRINT = """
schema_version: 1
name: flights
platform: local
lifecycle: delete
environments: {{dev: {{}}}}
stages: [foundation, experiment_tracking, model_registry, training_pipeline, serving]
workload:
  entry_point: flight_delay.workload:workload
  path: {workload}
models:
  delay:
    approval: automatic
    acceptance: {{thresholds: [{{metric: auc, minimum: 0.69}}, {{metric: log_loss_gain, minimum: 0.06}}]}}
    release: latest_approved
"""

PHASES = (
    ("up, from nothing", ("up",)),
    ("run (train on 2.5 months of flights)", ("run", "delay")),
    ("release", ("release", "delay", "latest_approved")),
    ("up, with a release", ("up",)),
    ("predict", ("predict", "delay", "--example")),
)


@dataclass(frozen=True)
class Lifecycle:
    """One life of a platform."""

    phases: dict[str, float]
    """Phase -> seconds, each a command of its own."""
    idle_mb: float
    """Proportional set size of all its processes together, MiB."""
    processes: int
    no_op: float
    """Seconds of `up` with nothing to do."""
    destroy: float
    """Seconds."""
    left: tuple[str, ...]
    """What was still there after `destroy`, in words."""

    @property
    def first_prediction(self) -> float:
        """Seconds from nothing to the first served prediction."""
        return sum(self.phases.values())


def live(no_ops: int = 3) -> Lifecycle:
    """Begin, use and end a platform. Raises `CommandFailedError` where a command fails; nothing is left running."""
    with tempfile.TemporaryDirectory() as folder:
        blueprint = Path(folder).resolve() / "blueprint.yaml"
        blueprint.write_text(BLUEPRINT.format(workload=ROOT / "examples" / "flight_delay"), encoding="utf-8")
        command = [program(), "--blueprint", str(blueprint)]
        try:
            phases = {name: run([*command, *verb]).wall for name, verb in PHASES}
            time.sleep(SETTLE_SECONDS)
            started = belonging(blueprint.parent)
            memory = sum(proportional(process) for process in started) / 1024**2
            ports = {port for process in started for port in _listening(process.net_connections("inet"))}
            no_op = statistics.median(run([*command, "up"]).wall for _ in range(no_ops))
            destroyed = run([*command, "destroy", "--yes"]).wall
            left = tuple(leftovers(blueprint.parent, started, ports))
        finally:
            end(belonging(blueprint.parent))
    return Lifecycle(phases, memory, len(started), no_op, destroyed, left)


def belonging(folder: Path) -> list[psutil.Process]:
    """The processes that the platform of a folder runs: what is marked with it, and the supervisor above them."""
    found = {process.pid: process for process in marked(lambda value: value.startswith(str(folder)))}
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()) and process.pid != psutil.Process().pid:
                found[process.pid] = process
        except psutil.Error:
            continue
    return list(found.values())


def leftovers(folder: Path, started: list[psutil.Process], ports: set[int]) -> Iterator[str]:
    """Whatever `destroy` should have taken away and did not."""
    for process in started:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            yield f"process {process.name()} ({environment_value(process, MARKER)})"
    yield from (f"port {port}" for port in sorted(ports & _listening(psutil.net_connections("inet"))))
    for path in sorted(folder.rglob("*")):
        if path.is_socket():
            yield f"socket {path.relative_to(folder)}"


def _listening(connections: Iterable[Any]) -> set[int]:
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


def proportional(process: psutil.Process) -> float:
    """Memory of a process in bytes, what it shares counted by its share."""
    memory = process.memory_full_info()
    # Only Linux shares memory out among the processes that share it.
    return float(getattr(memory, "pss", memory.uss))


def figures(lives: int = 3, runs: int = 9) -> list[Figure]:
    """Medians over several lives."""
    seen = [live() for _ in range(lives)]
    return [*_lifecycle(seen), *_beside(seen, runs)]


def _lifecycle(seen: list[Lifecycle]) -> list[Figure]:
    first = statistics.median(life.first_prediction for life in seen)
    idle, processes = statistics.median(life.idle_mb for life in seen), seen[-1].processes
    destroy = statistics.median(life.destroy for life in seen)
    left = sorted({thing for life in seen for thing in life.left})
    phases = [
        Figure(f"local: {name}", f"{statistics.median(life.phases[name] for life in seen):.1f} s") for name, _ in PHASES
    ]
    return [
        *phases,
        Figure(
            "local: from nothing to the first prediction, all of these",
            f"{first:.1f} s",
            aim=f"{AIM_FIRST_PREDICTION:.0f} s",
            met=first <= AIM_FIRST_PREDICTION,
        ),
        Figure(
            f"local: idle memory of all {processes} processes (PSS)",
            f"{idle:.0f} MB",
            aim=f"{AIM_IDLE_MB:.0f} MB",
            met=idle <= AIM_IDLE_MB,
        ),
        Figure("local: `destroy`", f"{destroy:.1f} s", aim=f"{AIM_DESTROY:.0f} s", met=destroy <= AIM_DESTROY),
        Figure("local: processes, ports, sockets left", ", ".join(left) or "none", aim="none", met=not left),
    ]


def _beside(seen: list[Lifecycle], runs: int) -> list[Figure]:
    pulumi = median(repeat([PYTHON, "-c", "import pulumi"], runs)).wall
    no_op = statistics.median(life.no_op for life in seen)
    training = median(repeat([PYTHON, str(BENCHMARKS / "flat" / "training.py")], 3)).wall
    pipeline = statistics.median(life.phases[PHASES[1][0]] for life in seen)
    return [
        Figure(
            "local: `up` with nothing to do, beside importing pulumi",
            f"{no_op:.1f} s",
            f"{pulumi:.2f} s",
            no_op / pulumi,
            f"{AIM_NO_OP:.0f} s",
            no_op <= AIM_NO_OP,
        ),
        Figure(
            "local: pipeline run, beside the same training in one plain process",
            f"{pipeline:.1f} s",
            f"{training:.1f} s",
            pipeline / training,
        ),
    ]


if __name__ == "__main__":
    print(table(figures()))
