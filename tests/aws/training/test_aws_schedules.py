"""Schedules in AWS's dialect are due when crontab's are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_components.spec.aws_schedules import ScheduleError, aws_cron

_NAMES = {
    name: str(number)
    for names, start in (
        (("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1),
        (("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1),
    )
    for number, name in enumerate(names, start)
}


def due(expression: str, at: datetime) -> bool:
    """Whether AWS would start something in this minute, by the rules of its user guide (lists, `*` and `?` only)."""
    found = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \*\)", expression)
    assert found, expression
    assert [found[3], found[5]].count("?") == 1
    aws_weekday = at.isoweekday() % 7 + 1
    for field, value in zip(found.groups(), (at.minute, at.hour, at.day, at.month, aws_weekday), strict=True):
        if field not in ("*", "?") and value not in [int(_NAMES.get(item, item)) for item in field.split(",")]:
            return False
    return True


@pytest.mark.parametrize(
    ("crontab", "expected"),
    [
        ("0 3 * * *", "cron(0 3 * * ? *)"),
        ("30 4 * * 1", "cron(30 4 ? * MON *)"),
        ("0 9 * * 1-5", "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"),
        ("0 0 * * 7", "cron(0 0 ? * SUN *)"),
        ("0 0 * * 5-7", "cron(0 0 ? * SUN,FRI,SAT *)"),
        ("0 0 * * fri-mon", "cron(0 0 ? * SUN,MON,FRI,SAT *)"),
        ("*/20 * 1 jan,7 *", "cron(0,20,40 * 1 JAN,JUL ? *)"),
        ("0 0 L * *", "cron(0 0 L * ? *)"),
    ],
)
def test_crontab_is_said_in_awss_words(crontab: str, expected: str) -> None:
    assert aws_cron(crontab) == expected


@pytest.mark.parametrize(
    ("crontab", "sentence"),
    [
        ("0 0 13 * 5", "of which AWS takes only one; write `\\*` for one of the two"),
        ("0 0 * *", "has 4 fields; write five"),
        ("61 0 * * *", "is not from 0 to 59"),
        ("0 0 * * 5#2", "picks one week of a month"),
        ("0 0 * * */0", "is not from 0 to 7"),
        ("x 0 * * *", "is no number that cron knows"),
    ],
)
def test_what_aws_cannot_say_is_refused_in_words(crontab: str, sentence: str) -> None:
    with pytest.raises(ScheduleError, match=sentence):
        aws_cron(crontab)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    # croniter takes a range of one value, such as `1-1`, for all values; crontab(5) does not.
    span = st.sets(number, min_size=2, max_size=2).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.integers(1, 7)
    item = st.one_of(
        number.map(str),
        span,
        st.tuples(st.one_of(st.just("*"), span), step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )
    return st.one_of(st.just("*"), st.lists(item, min_size=1, max_size=3).map(",".join))


@given(
    minute=_field(0, 59),
    hour=_field(0, 23),
    day=_field(1, 31),
    month=_field(1, 12),
    weekday=_field(0, 6),
    by_week=st.booleans(),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)),
)
@settings(max_examples=60)
def test_both_dialects_are_due_at_the_same_minutes(
    minute: str, hour: str, day: str, month: str, weekday: str, by_week: bool, start: datetime
) -> None:
    crontab = f"{minute} {hour} {'*' if by_week else day} {month} {weekday if by_week else '*'}"
    translated = aws_cron(crontab)
    start = start.replace(second=0, microsecond=0)
    for minutes in (0, 1, 59, 60, 61, 60 * 24, 60 * 24 * 7 + 30, 60 * 24 * 31):
        at = start + timedelta(minutes=minutes)
        assert due(translated, at) == croniter.match(crontab, at), (crontab, translated, at)
    upcoming = croniter(crontab, start).get_next(datetime, start_time=start) if day != "31" else None
    if upcoming is not None:
        assert due(translated, upcoming)
