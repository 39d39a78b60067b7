"""The history of feature groups: what a run replaces, what it keeps, and what it refuses in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feature_stores import GROUPS, reference
from pandas.testing import assert_frame_equal

from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.features.history import TIME, history_file, read_history, typed_rows, write_history

GROUP = "origin_delays"


def rows(first: str, shares: list[float | None]) -> pd.DataFrame:
    hours = pd.date_range(first, periods=len(shares), freq="1h")
    return typed_rows(GROUP, GROUPS[GROUP], pd.DataFrame({"origin": "EWR", "known_at": hours, "share": shares}))


def shares(folder: Path) -> list[float]:
    return read_history(reference(folder), GROUP, ["share"])["share"].tolist()


def test_a_run_replaces_the_time_that_it_speaks_of_and_keeps_the_rest(tmp_path: Path) -> None:
    store = reference(tmp_path)
    (tmp_path / "history").mkdir()
    write_history(store, GROUP, rows("2013-01-01 00:00", [0.1, 0.2, 0.3, 0.4]))
    assert write_history(store, GROUP, rows("2013-01-01 01:00", [0.9, 0.8])) == 4
    assert shares(tmp_path) == [0.1, 0.9, 0.8, 0.4]
    write_history(store, GROUP, rows("2013-01-01 04:00", [0.5]))
    assert shares(tmp_path) == [0.1, 0.9, 0.8, 0.4, 0.5]


def test_repeating_a_run_changes_no_byte(tmp_path: Path) -> None:
    store = reference(tmp_path)
    (tmp_path / "history").mkdir()
    write_history(store, GROUP, rows("2013-01-01", [0.1, 0.2]))
    before = history_file(store, GROUP).read_bytes()
    write_history(store, GROUP, rows("2013-01-01", [0.1, 0.2]))
    assert history_file(store, GROUP).read_bytes() == before


def test_rows_of_other_columns_are_not_mixed_in(tmp_path: Path) -> None:
    """The group has another feature now: rows without it are of another definition."""
    store = reference(tmp_path)
    (tmp_path / "history").mkdir()
    write_history(store, GROUP, rows("2013-01-01", [0.1, 0.2]))
    store["groups"] = {GROUP: {**GROUPS[GROUP], "features": [{"name": "count", "type": "integer"}]}}  # type: ignore[typeddict-item]
    new = pd.DataFrame({"origin": ["EWR"], "known_at": [pd.Timestamp("2013-02-01")], "count": [1]})
    assert write_history(store, GROUP, typed_rows(GROUP, store["groups"][GROUP], new)) == 1


def test_times_are_utc_microseconds_and_keys_text() -> None:
    group: Any = {"entity": "number", "event_time": "at", "features": [{"name": "x", "type": "integer"}]}
    given = pd.DataFrame({"number": [7], "at": [pd.Timestamp("2013-01-01T07:00", tz="America/New_York")], "x": [None]})
    found = typed_rows("g", group, given)
    assert found["number"].tolist() == ["7"]
    assert str(found["at"].dtype) == TIME
    assert found["at"].iloc[0] == pd.Timestamp("2013-01-01T12:00", tz="UTC")
    naive = typed_rows("g", group, given.assign(at=pd.Timestamp("2013-01-01T12:00")))
    assert_frame_equal(naive, found)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: None, "must be a pandas DataFrame, not NoneType"),
        (lambda rows: rows.drop(columns="share"), "lacks the columns `share`"),
        (lambda rows: rows.assign(origin=None), "has missing values in `origin`"),
        (lambda rows: rows.assign(share="much"), "has values in `share` that are not float"),
        (lambda rows: rows.assign(known_at="soon"), "`known_at` holds no times"),
        (lambda rows: pd.concat([rows, rows]), "has two rows for origin EWR at 2013-01-01"),
    ],
)
def test_what_is_no_feature_group_is_a_sentence(change: Any, sentence: str) -> None:
    good = pd.DataFrame({"origin": ["EWR"], "known_at": [pd.Timestamp("2013-01-01")], "share": [0.5]})
    with pytest.raises(ContractError, match=sentence):
        typed_rows(GROUP, GROUPS[GROUP], change(good))


def test_a_group_that_nobody_computed_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="the feature group `origin_delays` has no history"):
        read_history(reference(tmp_path), GROUP, ["share"])
