"""Alarms: raised once, resolved once, by computation from what the reports found.

An alarm follows from the summaries alone, so a monitor that was killed anywhere comes to the same alarms again. Its
name is its kind and the report that raised it. Windows must lie one after the other: daily reports that each look back
on seven days say seven times almost the same, so two windows running last eight such reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class AlarmKind(StrEnum):
    """What an alarm is about."""

    DRIFT = "drift"
    """Requests are no longer like the training data."""
    QUALITY = "quality"
    """Predictions, held against labels, are worse than the blueprint allows."""
    LATENCY = "latency"
    ERRORS = "errors"
    UNREACHABLE = "unreachable"
    """The server does not answer."""


class AlarmState(StrEnum):
    """A person acknowledges; the monitor raises and resolves."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm on one model version."""

    name: str
    kind: AlarmKind
    version: str
    raised: str
    """When, ISO 8601: for what reports find, the end of the window that raised it."""
    reason: str
    resolved: str | None = None
    acknowledged_by: str | None = None

    @property
    def state(self) -> AlarmState:
        """Where it stands."""
        if self.resolved is not None:
            return AlarmState.RESOLVED
        return AlarmState.ACKNOWLEDGED if self.acknowledged_by else AlarmState.RAISED

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "state": self.state.value}


def alarms_of(summaries: Sequence[Mapping[str, Any]], acknowledged: Mapping[str, str]) -> list[Alarm]:
    """The alarms on drift and on quality that these reports (earliest first) raise, earliest first."""
    found = [
        alarm
        for version in dict.fromkeys(str(one["version"]) for one in summaries)
        for kind in (AlarmKind.DRIFT, AlarmKind.QUALITY)
        for alarm in _of_kind(kind, version, [one for one in summaries if str(one["version"]) == version], acknowledged)
    ]
    return _superseded(sorted(found, key=lambda alarm: alarm.raised), summaries)


def _of_kind(
    kind: AlarmKind, version: str, summaries: Iterable[Mapping[str, Any]], acknowledged: Mapping[str, str]
) -> list[Alarm]:
    alarms: list[Alarm] = []
    opened: Alarm | None = None
    streak: list[Mapping[str, Any]] = []
    for summary in summaries:
        finding = summary[kind.value]
        if finding["bad"] is None:  # too few rows or labels to tell
            continue
        if streak and streak[0][kind.value]["bad"] != finding["bad"]:
            streak = []
        streak.append(summary)
        if not _is_long_enough(streak):
            continue
        if finding["bad"] and opened is None:
            name = f"{kind.value}-{summary['report']}"
            opened = Alarm(name, kind, version, summary["until"], finding["reason"], None, acknowledged.get(name))
        elif not finding["bad"] and opened is not None:
            alarms.append(_resolved(opened, summary["until"]))
            opened = None
    return [*alarms, *([opened] if opened else [])]


def _is_long_enough(streak: Sequence[Mapping[str, Any]]) -> bool:
    """Whether as many windows as are asked for fit into it, one after the other."""
    first, last = streak[0], streak[-1]
    apart = timedelta(days=int(last["window_days"])) * (int(last["windows_running"]) - 1)
    return datetime.fromisoformat(last["until"]) - datetime.fromisoformat(first["until"]) >= apart


def _superseded(alarms: Iterable[Alarm], summaries: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """An alarm on a version is over with the first report on a version that took its place."""
    if not summaries:
        return list(alarms)
    latest = str(summaries[-1]["version"])
    last_of_others = max((str(one["until"]) for one in summaries if str(one["version"]) != latest), default="")
    taken_over = min(str(o["until"]) for o in summaries if o["version"] == latest and o["until"] >= last_of_others)
    return [
        _resolved(alarm, taken_over) if alarm.resolved is None and alarm.version != latest else alarm
        for alarm in alarms
    ]


def _resolved(alarm: Alarm, when: str) -> Alarm:
    return Alarm(alarm.name, alarm.kind, alarm.version, alarm.raised, alarm.reason, when, alarm.acknowledged_by)
