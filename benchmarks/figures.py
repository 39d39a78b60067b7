"""What a benchmark finds, as rows of a table; and what kind of machine found it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"
PYTHON = sys.executable


@dataclass(frozen=True)
class Figure:
    """One measured thing."""

    what: str
    value: str
    beside: str = ""
    """What it is compared with, if with anything."""
    ratio: float | None = None
    """Ours by the other's: the median over pairs."""
    aim: str = ""
    met: bool | None = None

    def row(self) -> str:
        """A line of a Markdown table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = "" if self.met is None else " ✓" if self.met else " ✗"
        return f"| {self.what} | {self.value} | {self.beside} | {ratio} | {self.aim}{verdict} |"


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table."""
    head = ["| what | ours | beside | ratio | aim |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *(figure.row() for figure in figures)])


def machine() -> str:
    """Facts without which seconds say nothing; no name and no path of the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("pulumi", "pulumi-aws", "pydantic", "mlflow"))
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({processor()}), {memory:.0f} GB, {platform.system()}, {python}, {versions}"


def processor() -> str:
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load() -> float:
    """How many processes wanted to run, on average, in the last minute: far below 1 where the machine is quiet."""
    return os.getloadavg()[0]


def program() -> str:
    """The `mlops-stacks` of this environment."""
    beside = Path(PYTHON).with_name("mlops-stacks")
    found = str(beside) if beside.exists() else shutil.which("mlops-stacks")
    if found is None:
        raise SystemExit("mlops-stacks is not installed; run `python3 run.py test` once, which installs it")
    return found
