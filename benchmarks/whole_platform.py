"""All ten stages of blueprints/local.yaml on this machine: memory idle and at its peak, and a drift report on one day.

Everything is done by the command line in a temporary folder: `up`, `run`, `release`, `up`; then every flight of one day
is asked about over HTTP, reports are made on what was captured, and the example is pushed to CI. Memory is the
proportional set size of all that belongs to the platform and of all that the measured command started, looked at every
quarter second. Needs the extras `local`, `features`, `workbench`, `drift` and `ci`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from figures import PYTHON, ROOT, Figure, program, table
from local_lifecycle import SETTLE_SECONDS, belonging, proportional
from measure import run

from mlops_components.spec.marked import end

AIM_IDLE_MB, AIM_PEAK_MB = 1024.0, 1843.0
EXAMPLE = ROOT / "examples" / "flight_delay"
DAY = "2013-04-01"
LOOK_EVERY = 0.25
"""Seconds."""


@dataclass
class Memory:
    """The largest memory seen, and while which work."""

    folder: Path
    peaks: dict[str, float] = field(default_factory=dict)
    """Work -> MiB."""

    def now(self) -> float:
        """Memory of the platform and of this process' children, without this process, in MiB."""
        processes = {process.pid: process for process in belonging(self.folder)}
        for process in [*processes.values(), psutil.Process()]:
            with suppress(psutil.Error):
                processes |= {child.pid: child for child in process.children(recursive=True)}
        processes.pop(os.getpid(), None)
        total = 0.0
        for process in processes.values():
            with suppress(psutil.Error):
                total += proportional(process)
        return total / 1024**2

    @contextmanager
    def during(self, work: str) -> Iterator[None]:
        """Look again and again while the block runs."""
        stopped = threading.Event()

        def look() -> None:
            while not stopped.wait(LOOK_EVERY):
                self.peaks[work] = max(self.peaks.get(work, 0.0), self.now())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            stopped.set()
            watcher.join()


@dataclass
class Seen:
    """What one life of the whole platform showed."""

    idle_mb: float
    processes: int
    peaks: dict[str, float]
    report_seconds: float
    report_rows: int
    seconds: dict[str, float]


def live() -> Seen:
    """Begin, use, measure and end the platform; nothing is left running."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        blueprint = copied_blueprint(folder)
        command = [program(), "--blueprint", str(blueprint)]
        memory = Memory(folder)
        seconds: dict[str, float] = {}
        try:
            for verb in (["up"], ["run", "delay"], ["release", "delay", "latest_approved"], ["up"]):
                with memory.during(" ".join(verb)):
                    seconds[" ".join(verb)] = run([*command, *verb]).wall
            time.sleep(SETTLE_SECONDS)
            idle, processes = memory.now(), len(belonging(folder))
            home = folder / ".mlops-stacks" / "local"
            with memory.during("a day of requests"):
                asked = ask_about_a_day(home)
            with memory.during("drift report"):
                seconds["the first report of a version, which makes its baseline"] = timed(report_command(home, 1))
                report = timed(report_command(home, 2))
            with memory.during("push to CI"):
                seconds["push"] = push(folder, home)
            run([*command, "destroy", "--yes"])
        finally:
            end(belonging(folder))
    return Seen(idle, processes, memory.peaks, report, asked, seconds)


def copied_blueprint(folder: Path) -> Path:
    """blueprints/local.yaml, with the workload where it is."""
    text = (ROOT / "blueprints" / "local.yaml").read_text(encoding="utf-8")
    blueprint = folder / "blueprint.yaml"
    blueprint.write_text(text.replace("../examples/flight_delay", str(EXAMPLE)), encoding="utf-8")
    return blueprint


def ask_about_a_day(home: Path) -> int:
    """Every flight of the day, a hundred to a request; returns how many."""
    sys.path.insert(0, str(EXAMPLE))
    from flight_delay.data import read_flights, read_weather
    from flight_delay.features import with_features
    from flight_delay.workload import workload

    rows = with_features(read_flights(DAY, DAY).reset_index(drop=True), read_weather(DAY, DAY))
    plain = rows[[column.name for column in workload.inputs]].astype(object)
    flights = plain.where(plain.notna(), None).to_dict(orient="records")
    endpoint = json.loads((home / "dev" / "monitoring" / "monitor.json").read_text())["models"]["delay"]["endpoint"]
    for first in range(0, len(flights), 100):
        body = json.dumps({"instances": flights[first : first + 100]}).encode()
        request = urllib.request.Request(f"{endpoint}/predict", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            if answer.status != 200:
                raise RuntimeError(f"the server answered {answer.status}")
    time.sleep(2)  # captured rows are written once a second
    return len(flights)


def report_command(home: Path, days: int) -> list[str]:
    """What the monitor starts at four in the morning, for a window that ends so many midnights from now."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
    settings = (home / "dev" / "monitoring" / "monitor.json").as_uri()
    runtime = [PYTHON, "-m", "mlops_stacks.runtime", "report", "--settings", settings, "--model", "delay"]
    return [*runtime, "--until", midnight.isoformat()]


def timed(command: Sequence[str]) -> float:
    """Seconds of a command that must succeed."""
    return run(command).wall


def push(folder: Path, home: Path) -> float:
    """Push the example to the platform's repository; returns the seconds until CI has taken it."""
    copy = folder / "copy"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", str(copy), "-c", "user.name=Ana", "-c", "user.email=ana@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "--all"], ["commit", "-q", "-m", "begin"]):
        subprocess.run([*git, *arguments], check=True)
    return timed([*git, "push", "-q", str(home / "shared" / "ci" / "repository.git"), "main"])


def figures() -> list[Figure]:
    """One life of the platform."""
    seen = live()
    peak = max(seen.peaks.values())
    work = max(seen.peaks, key=lambda name: seen.peaks[name])
    return [
        Figure(
            f"all ten stages: idle memory of all {seen.processes} processes (PSS)",
            f"{seen.idle_mb:.0f} MB",
            aim=f"{AIM_IDLE_MB:.0f} MB",
            met=seen.idle_mb <= AIM_IDLE_MB,
        ),
        Figure(
            f"all ten stages: largest memory, while `{work}`",
            f"{peak:.0f} MB",
            aim=f"{AIM_PEAK_MB:.0f} MB",
            met=peak <= AIM_PEAK_MB,
        ),
        *(Figure(f"all ten stages: largest memory while `{name}`", f"{mb:.0f} MB") for name, mb in seen.peaks.items()),
        Figure(f"drift and quality report on a day's {seen.report_rows} flights", f"{seen.report_seconds:.1f} s"),
        *(Figure(f"all ten stages: `{name}`", f"{wall:.1f} s") for name, wall in seen.seconds.items()),
    ]


if __name__ == "__main__":
    print(table(figures()))
