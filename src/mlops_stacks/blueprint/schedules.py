"""Cron expressions: five fields, as crontab(5) reads them."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mlops_components.spec.pipeline import Schedule
from mlops_stacks.blueprint.problems import Problem


def broken_schedule(schedule: Schedule) -> Iterator[Problem]:
    """What is wrong with a schedule, with paths from the schedule."""
    # Imported here: a blueprint without a schedule need not pay for the parser.
    from croniter import CroniterError, croniter

    cron = schedule["cron"]
    fields = cron.split()
    if cron.startswith(("rate(", "cron(", "at(")):
        yield Problem(("cron",), f"`{cron}` is a schedule in AWS's dialect", "write five fields, e.g. `0 3 * * *`")
    elif len(fields) != 5:
        yield Problem(("cron",), f"`{cron}` has {len(fields)} fields", "write five: minute hour day month weekday")
    else:
        try:
            croniter(cron)
        except (CroniterError, ValueError) as error:
            yield Problem(("cron",), f"`{cron}` is no schedule: {error}", "write five fields, e.g. `0 3 * * *`")
    timezone = schedule.get("timezone", "UTC")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Problem(("timezone",), f"there is no time zone `{timezone}`", "write an IANA name, e.g. `Europe/Berlin`")
