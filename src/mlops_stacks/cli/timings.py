"""What took how long: each resource that was changed, and the time in which none was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

BETWEEN = "(between resources)"
"""What is neither: composing the program, looking at what is as it should be, writing the state."""

COLUMNS = ("seconds", "share", "scope", "step", "type", "what")
_SHOWN = 15
_WORTH_A_LINE = 0.05
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One step. `share` is of the whole time; steps that run side by side may add up to more than 1."""

    scope: str
    name: str
    type: str
    operation: str
    seconds: float
    share: float


class Clock:
    """Collects steps with their ends, in seconds of any one clock."""

    def __init__(self) -> None:
        """Begin with none."""
        self._steps: list[tuple[str, str, str, str, float, float]] = []
        self._scopes: list[tuple[str, float, float]] = []

    def step(self, scope: str, name: str, type_: str, operation: str, *, end: float, seconds: float) -> None:
        """A resource is done that took so many seconds."""
        self._steps.append((scope, name, type_, operation, end - seconds, end))

    def scope(self, name: str, begin: float, end: float) -> None:
        """A scope is done."""
        self._scopes.append((name, begin, end))

    @property
    def total(self) -> float:
        """Seconds that all scopes took."""
        return sum(end - begin for _, begin, end in self._scopes)

    def timings(self) -> list[Timing]:
        """Every step, the longest first."""
        whole = self.total or 1.0
        found = [
            Timing(scope, name, type_, operation, round(end - begin, 3), round((end - begin) / whole, 4))
            for scope, name, type_, operation, begin, end in self._steps
        ]
        for name, begin, end in self._scopes:
            spans = [(max(b, begin), min(e, end)) for scope, _, _, _, b, e in self._steps if scope == name]
            rest = end - begin - covered(spans)
            found.append(Timing(name, BETWEEN, "", "", round(rest, 3), round(rest / whole, 4)))
        return sorted(found, key=lambda timing: -timing.seconds)

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "seconds": round(self.total, 3),
            "scopes": {name: round(end - begin, 3) for name, begin, end in self._scopes},
            "steps": [asdict(timing) for timing in self.timings()],
        }


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """How much time lies within at least one of these spans."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def rows(timings: Sequence[Timing]) -> list[list[str]]:
    """The longest steps as lines of a table, and what the others took together."""
    worth = [timing for timing in timings if timing.seconds >= _WORTH_A_LINE][:_SHOWN]
    lines = [[f"{t.seconds:7.2f}", f"{t.share:5.0%}", t.scope, t.name, t.type, t.operation] for t in worth]
    others = timings[len(worth) :]
    if others:
        seconds, share = sum(t.seconds for t in others), sum(t.share for t in others)
        lines.append([f"{seconds:7.2f}", f"{share:5.0%}", "", f"({len(others)} others together)", "", ""])
    return lines
