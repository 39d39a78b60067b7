"""Schedules in AWS's dialect of cron, from those of crontab(5).

AWS has six fields (minutes, hours, day of month, month, day of week, year), counts the days of the week from 1 (Sunday)
to 7, and wants a `?` in one of the two fields for days. Source: EventBridge Scheduler User Guide, "Schedule types".
"""

from collections.abc import Iterator

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ANY = ("*", "?")


class ScheduleError(ValueError):
    """A schedule cannot be said in AWS's dialect; the message is one sentence that says why and what to write."""


def aws_cron(cron: str) -> str:
    """Return `cron(…)` that is due at the same minutes as the five fields of crontab(5), in the same time zone.

    Raises `ScheduleError` where AWS has no expression for it.
    """
    fields = cron.split()
    if len(fields) != 5:
        raise ScheduleError(f"`{cron}` has {len(fields)} fields; write five: minute hour day month weekday.")
    minute, hour, day, month, weekday = fields
    if day not in _ANY and weekday not in _ANY:
        raise ScheduleError(
            f"`{cron}` names days of the month and days of the week, of which AWS takes only one; "
            "write `*` for one of the two."
        )
    days = ("?", _weekdays(weekday, cron)) if weekday not in _ANY else (_numbers(day, 1, 31, cron), "?")
    parts = (_numbers(minute, 0, 59, cron), _numbers(hour, 0, 23, cron), days[0], _months(month, cron), days[1], "*")
    return f"cron({' '.join(parts)})"


def _numbers(field: str, low: int, high: int, cron: str) -> str:
    """A field of numbers; every value is written out, since the dialects differ in ranges with steps."""
    if field in _ANY:
        return "*"
    if field.upper() == "L" and high == 31:
        return "L"
    values = _values(field, low, high, (), cron)
    return "*" if len(values) == high - low + 1 else ",".join(map(str, values))


def _months(field: str, cron: str) -> str:
    if field in _ANY:
        return "*"
    values = _values(field, 1, 12, ("", *_MONTHS), cron)
    return "*" if len(values) == len(_MONTHS) else ",".join(_MONTHS[value - 1] for value in values)


def _weekdays(field: str, cron: str) -> str:
    if "#" in field or "L" in field.upper().split(","):
        raise ScheduleError(f"`{cron}` picks one week of a month, which is not translated; write days of the month.")
    values = {value % 7 for value in _values(field, 0, 7, _WEEKDAYS, cron)}
    return "*" if len(values) == len(_WEEKDAYS) else ",".join(_WEEKDAYS[value] for value in sorted(values))


def _values(field: str, low: int, high: int, names: tuple[str, ...], cron: str) -> list[int]:
    values: set[int] = set()
    for part in field.split(","):
        values.update(_part(part, low, high, names, cron))
    return sorted(values)


def _part(part: str, low: int, high: int, names: tuple[str, ...], cron: str) -> Iterator[int]:
    span, slash, step_text = part.partition("/")
    step = int(step_text) if slash and step_text.isdigit() else (0 if slash else 1)
    first_text, dash, last_text = span.partition("-")
    # Of 0 and 7, which are both Sunday, a star means only the first.
    top = 6 if high == 7 else high
    if span in _ANY:
        first, last = low, top
    else:
        first = _number(first_text, names, cron)
        last = _number(last_text, names, cron) if dash else (top if slash else first)
    if step < 1 or not low <= first <= high or not low <= last <= high:
        raise ScheduleError(f"`{part}` in `{cron}` is not from {low} to {high}; write five fields, e.g. `0 3 * * *`.")
    if first <= last:
        return iter(range(first, last + 1, step))
    # A range across the end, such as FRI-MON, goes on from the beginning.
    width = top - low + 1
    return (low + (value - low) % width for value in range(first, last + width + 1, step))


def _number(text: str, names: tuple[str, ...], cron: str) -> int:
    if text.isdigit():
        return int(text)
    if text.upper() in names and text:
        return names.index(text.upper())
    raise ScheduleError(f"`{text}` in `{cron}` is no number that cron knows; write five fields, e.g. `0 3 * * *`.")
