"""Times whole processes side by side: A B A B …, so that a drifting machine touches both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


class CommandFailedError(Exception):
    """A measured command did not succeed: its time says nothing."""

    def __init__(self, command: Sequence[str], code: int, errors: str) -> None:
        super().__init__(f"`{' '.join(command)}` ended with {code}:\n{errors}")


@dataclass(frozen=True)
class Sample:
    """One run of one command."""

    wall: float
    """Seconds."""
    peak_mb: float
    """Largest resident set, in MiB."""
    cpu: float
    """Seconds of user and system time: moves less than `wall` where the machine has other work."""


@dataclass(frozen=True)
class Comparison:
    """Two commands, run in turn."""

    ours: list[Sample]
    other: list[Sample]

    def ratio(self, figure: str) -> float:
        """Median of the pair-by-pair ratios ours / other of `wall`, `cpu` or `peak_mb`."""
        pairs = zip(self.ours, self.other, strict=True)
        return float(statistics.median(getattr(a, figure) / getattr(b, figure) for a, b in pairs))

    def row(self, name: str) -> str:
        """One line for a table."""
        ours, other = median(self.ours), median(self.other)
        return (
            f"{name}: {ours.wall:.2f} s, {ours.peak_mb:.0f} MB beside {other.wall:.2f} s, {other.peak_mb:.0f} MB; "
            f"ratio {self.ratio('wall'):.2f} (wall), {self.ratio('peak_mb'):.2f} (peak memory)"
        )


def median(samples: Sequence[Sample]) -> Sample:
    """The median of each figure."""
    return Sample(*(statistics.median(getattr(s, name) for s in samples) for name in ("wall", "peak_mb", "cpu")))


def run(command: Sequence[str]) -> Sample:
    """Run a command to its end; raises `CommandFailedError` where it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailedError(command, process.returncode, errors.decode())
    divisor = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss is bytes on macOS, KiB on Linux
    return Sample(wall, usage.ru_maxrss / divisor, usage.ru_utime + usage.ru_stime)


def compare(ours: Sequence[str], other: Sequence[str], runs: int = 7) -> Comparison:
    """Run both commands in turn, after one warm-up of each that is not counted."""
    run(ours), run(other)
    pairs = [(run(ours), run(other)) for _ in range(runs)]
    return Comparison([a for a, _ in pairs], [b for _, b in pairs])


def repeat(command: Sequence[str], runs: int = 9) -> list[Sample]:
    """Run one command several times, after one warm-up that is not counted."""
    run(command)
    return [run(command) for _ in range(runs)]
