"""Schedules as SageMaker's monitors take them: every hour, every few hours, or once a day, on the hour, in UTC.

Source: SageMaker Developer Guide, "The cron expression for monitoring schedule". EventBridge's dialect says more, but
a monitoring schedule refuses it.
"""

import re
from dataclasses import dataclass

from mlops_components.spec.pipeline import Schedule

_HOURS = 24
_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Zulu", "Etc/Zulu"})
_STEPS = re.compile(r"(?:\*|(?P<start>\d{1,2})-23)/(?P<every>\d{1,2})")


class MonitorScheduleError(ValueError):
    """A schedule that a monitor cannot follow; the message says why and what to write."""


@dataclass(frozen=True)
class MonitorSchedule:
    """A schedule in SageMaker's words."""

    expression: str
    """For example `cron(0 4 ? * * *)`."""
    hours: int
    """Hours from one report to the next; what a report looks back on."""


def monitor_schedule(schedule: Schedule) -> MonitorSchedule:
    """Return a crontab(5) schedule in SageMaker's dialect. Raises `MonitorScheduleError` where that has no words."""
    if schedule.get("timezone", "UTC") not in _UTC:
        raise MonitorScheduleError("a monitor of SageMaker runs in UTC; leave `timezone` out and give the hour in UTC")
    fields = schedule["cron"].split()
    if len(fields) != 5 or fields[2:] != ["*", "*", "*"] or not re.fullmatch("0{1,2}", fields[0]):
        raise MonitorScheduleError(
            "a monitor of SageMaker runs on the hour, every few hours or once a day; write e.g. `0 4 * * *`"
        )
    return _of_hours(fields[1])


def _of_hours(hour: str) -> MonitorSchedule:
    if hour == "*":
        return MonitorSchedule("cron(0 * ? * * *)", 1)
    if hour.isdigit() and int(hour) < _HOURS:
        return MonitorSchedule(f"cron(0 {int(hour)} ? * * *)", _HOURS)
    steps = _STEPS.fullmatch(hour)
    if steps and 1 <= int(steps["every"]) <= _HOURS and int(steps["start"] or 0) < _HOURS:
        every = int(steps["every"])
        return MonitorSchedule(f"cron(0 {int(steps['start'] or 0)}/{every} ? * * *)", every)
    raise MonitorScheduleError(
        f"a monitor of SageMaker cannot run at the hours `{hour}`; write one hour, `*`, or steps such as `*/6`"
    )
