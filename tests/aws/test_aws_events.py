"""The reading of event patterns that other tests rely on, case by case after EventBridge's own examples."""

from __future__ import annotations

import json
from typing import Any

import pytest
from events import SAMPLES, PatternError, alarm_changed, model_package_changed, object_created, passes

EVENT: dict[str, Any] = {
    "source": "aws.sagemaker",
    "detail": {
        "state": "Failed",
        "count": 3,
        "flag": True,
        "nothing": None,
        "text": "",
        "names": ["one", "two"],
        "none": [],
        "inner": {"key": "in/2026/day.parquet"},
    },
}


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"state": ["Failed"]}, True),
        ({"state": ["failed"]}, False),
        ({"state": ["Stopped", "Failed"]}, True),
        ({"state": ["Failed"], "count": [4]}, False),
        ({"absent": ["Failed"]}, False),
        ({"names": ["two"]}, True),
        ({"names": ["three"]}, False),
        ({"count": [3]}, True),
        ({"count": ["3"]}, False),
        ({"flag": [True]}, True),
        ({"flag": [1]}, False),
        ({"nothing": [None]}, True),
        ({"absent": [None]}, False),
        ({"text": [""]}, True),
        ({"inner": {"key": [{"prefix": "in/"}]}}, True),
        ({"inner": {"key": [{"prefix": "out/"}]}}, False),
        ({"inner": {"key": [{"suffix": ".parquet"}]}}, True),
        ({"inner": {"key": [{"suffix": {"equals-ignore-case": ".PARQUET"}}]}}, True),
        ({"inner": {"key": [{"wildcard": "in/*/*.parquet"}]}}, True),
        ({"inner": {"key": [{"wildcard": "in/*.csv"}]}}, False),
        ({"state": [{"equals-ignore-case": "FAILED"}]}, True),
        ({"state": [{"anything-but": "Failed"}]}, False),
        ({"state": [{"anything-but": ["Stopped", "Stopping"]}]}, True),
        ({"state": [{"anything-but": {"prefix": "Fa"}}]}, False),
        ({"absent": [{"anything-but": "Failed"}]}, False),
        ({"count": [{"numeric": [">", 0, "<=", 3]}]}, True),
        ({"count": [{"numeric": ["<", 3]}]}, False),
        ({"state": [{"exists": True}]}, True),
        ({"state": [{"exists": False}]}, False),
        ({"absent": [{"exists": False}]}, True),
        ({"none": [{"exists": True}]}, False),
        ({"$or": [{"state": ["Failed"]}, {"count": [9]}]}, True),
        ({"$or": [{"state": ["Stopped"]}, {"count": [9]}]}, False),
        ({"state": {"value": ["Failed"]}}, False),
    ],
)
def test_a_pattern_is_read_as_eventbridge_reads_it(detail: Any, expected: bool) -> None:
    assert passes({"source": ["aws.sagemaker"], "detail": detail}, EVENT) is expected
    assert passes(json.dumps({"detail": detail}), EVENT) is expected
    assert not passes({"source": ["aws.s3"], "detail": detail}, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"source": "aws.sagemaker"},
        {"source": []},
        {"detail": {}},
        {"detail": {"state": [{"like": "F"}]}},
        {"detail": {"state": [{"prefix": "a", "suffix": "b"}]}},
        {"detail": {"count": [{"numeric": ["~", 3]}]}},
        {"detail": {"state": [{"exists": "yes"}]}},
        {"$or": [{"source": ["a"]}]},
        {"source": ["other"], "detail": {"state": "Failed"}},
    ],
)
def test_what_is_no_pattern_is_refused(pattern: Any) -> None:
    with pytest.raises(PatternError):
        passes(pattern, EVENT)


@pytest.mark.parametrize("kind", SAMPLES)
def test_each_sample_has_the_envelope_of_an_event(kind: str) -> None:
    event = SAMPLES[kind]()
    assert set(event) == {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    }
    assert json.loads(json.dumps(event)) == event
    assert passes({"source": [event["source"]], "detail-type": [event["detail-type"]]}, event)


def test_samples_differ_in_what_rules_ask_for() -> None:
    approved = {"detail": {"ModelPackageGroupName": ["g"], "ModelApprovalStatus": ["Approved"]}}
    assert passes(approved, model_package_changed("g"))
    assert not passes(approved, model_package_changed("g", approval="Rejected"))
    assert not passes(approved, model_package_changed("g-2"))
    new_data = {"detail": {"bucket": {"name": ["b"]}, "object": {"key": [{"prefix": "incoming/"}]}}}
    assert passes(new_data, object_created("b", "incoming/a.csv"))
    assert not passes(new_data, object_created("b", "archive/a.csv"))
    alarm = {"detail": {"alarmName": ["a"], "state": {"value": ["ALARM"]}}}
    assert passes(alarm, alarm_changed("a"))
    assert not passes(alarm, alarm_changed("a", "OK", "ALARM"))
