"""What differs between two plans, or two environments of one: grouped by stage, as rows of a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.plan import Plan, ScopePlan
from mlops_stacks.reports import layout
from mlops_stacks.reports.differences import Change, Difference, compared

COLUMNS = ("", "scope", "resource", "type", "input")
"""Headings of the table; the titles of the two sides follow."""

_SHOWN = 60
_BEFORE = 20
"""So many characters before the first difference are shown."""

_ORDER = {stage.value: number for number, stage in enumerate(Stage)}
_MARKS = {"added": "+", "removed": "-", "changed": "~", "renamed": "="}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that no resource shows: a stage that has no component there, a field that means nothing there."""

    stage: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource that is not the same on both sides."""

    scope: str
    difference: Difference

    @property
    def kind(self) -> str:
        """`added` (only on the right side), `removed`, `changed`, or `renamed`: only the sides' own names differ."""
        left, right = self.difference.urns
        if left is None or right is None:
            return "added" if left is None else "removed"
        return "renamed" if self.difference.expected else "changed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides and what differs."""

    left: str
    right: str
    entries: tuple[Entry, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether nothing differs but names that must differ, and nothing was left out."""
        return not self.remarks and all(entry.kind == "renamed" for entry in self.entries)

    def with_remarks(self, remarks: Iterable[Remark]) -> Comparison:
        """The same, with more to say."""
        return Comparison(self.left, self.right, self.entries, (*self.remarks, *remarks))


def compare_scopes(left: ScopePlan, right: ScopePlan) -> Comparison:
    """Two environments of one blueprint: what only the right one has is added."""
    return Comparison(left.scope, right.scope, tuple(_entries(f"{left.scope}, {right.scope}", left, right)))


def compare_plans(left: Plan, right: Plan, titles: tuple[str, str]) -> Comparison:
    """Two blueprints, scope by scope: scopes are counterparts that are called the same."""
    ours, theirs = ({scope.scope: scope for scope in plan.scopes} for plan in (left, right))
    entries = [
        entry
        for name in dict.fromkeys([*ours, *theirs])
        for entry in _entries(
            name,
            ours.get(name, ScopePlan(name, f"{left.blueprint}-{name}", (), {})),
            theirs.get(name, ScopePlan(name, f"{right.blueprint}-{name}", (), {})),
        )
    ]
    return Comparison(*titles, tuple(entries))


def _entries(scope: str, left: ScopePlan, right: ScopePlan) -> Iterator[Entry]:
    return (Entry(scope, difference) for difference in compared((left, right)))


def stages(comparison: Comparison) -> tuple[str, ...]:
    """The stages of which there is something to say, in display order."""
    found = {entry.difference.stage for entry in comparison.entries} | {r.stage for r in comparison.remarks}
    return tuple(sorted(found, key=lambda stage: (_ORDER.get(stage, len(_ORDER)), stage)))


def rows(comparison: Comparison, stage: str, *, renamed: bool = False) -> list[list[str]]:
    """The table of a stage: a line for each resource that is added or removed, and for each input that changed."""
    return [
        row
        for entry in comparison.entries
        if entry.difference.stage == stage and (renamed or entry.kind != "renamed")
        for row in _rows(entry, renamed)
    ]


def _rows(entry: Entry, renamed: bool) -> Iterator[list[str]]:
    difference = entry.difference
    head = [_MARKS[entry.kind], entry.scope, difference.name, difference.type]
    if entry.kind in ("added", "removed"):
        yield [*head, "", "", ""]
        return
    for change in difference.changes:
        if renamed or not change.expected:
            yield [*head, change.path, *_shown(*change.values)]


def _shown(left: str | None, right: str | None) -> tuple[str, str]:
    """Both values in little room: of long ones the part around the first difference."""
    start = 0
    if left is not None and right is not None and max(len(left), len(right)) > _SHOWN:
        start = max(0, len(commonprefix([left, right])) - _BEFORE)  # noqa: RUF071  letters are meant
    return _cut(left, start), _cut(right, start)


def _cut(value: str | None, start: int) -> str:
    if value is None:
        return "(not there)"
    text = f"…{value[start:]}" if start else value
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def summary(comparison: Comparison) -> str:
    """The counts in a sentence."""
    kinds = [entry.kind for entry in comparison.entries]
    said = [f"{kinds.count(kind)} {kind}" for kind in ("added", "removed", "changed") if kind in kinds]
    names = layout.counted(kinds.count("renamed"), "resource")
    more = f"; {names} differ by their own names only" if "renamed" in kinds else ""
    return f"{comparison.left} → {comparison.right}: {', '.join(said) or 'no difference'}{more}"


def document(comparison: Comparison) -> dict[str, Any]:
    """All of it as plain data, also what differs by names only."""
    return {
        "left": comparison.left,
        "right": comparison.right,
        "equal": comparison.equal,
        "stages": [
            {
                "stage": stage,
                "remarks": [remark.text for remark in comparison.remarks if remark.stage == stage],
                "resources": [_entry(entry) for entry in comparison.entries if entry.difference.stage == stage],
            }
            for stage in stages(comparison)
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    difference = entry.difference
    return {
        "change": entry.kind,
        "scope": entry.scope,
        "name": difference.name,
        "type": difference.type,
        "urns": list(difference.urns),
        "inputs": [_change(change) for change in difference.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    left, right = change.values
    return {"path": change.path, "left": left, "right": right, "name_only": change.expected}
