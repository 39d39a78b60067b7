"""What training sees of a feature is what was known when the question was asked: never later, never too old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_stores import GROUPS, TTL_GROUPS

from mlops_components.spec.feature import FeatureStoreRef
from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.features.feast_store import join
from mlops_stacks.runtime.features.history import typed_rows, write_history

Make = Callable[..., FeatureStoreRef]
START = pd.Timestamp("2013-01-01", tz="UTC")
ORIGINS = ["EWR", "JFK", "LGA"]


def hourly(rng: np.random.Generator, days: int) -> pd.DataFrame:
    hours = pd.date_range(START, periods=24 * days, freq="1h")
    table = pd.MultiIndex.from_product([ORIGINS, hours], names=["origin", "known_at"]).to_frame(index=False)
    # Hours are missing at random, so that entities differ in when their rows begin and end.
    table = table[rng.random(len(table)) < 0.8].reset_index(drop=True)
    return table.assign(share=rng.random(len(table)))


def questions(rng: np.random.Generator, days: int, count: int) -> pd.DataFrame:
    minutes = rng.integers(-600, days * 1440 + 600, count)
    return pd.DataFrame(
        {"origin": rng.choice([*ORIGINS, "SFO"], count), "asked": START + pd.to_timedelta(minutes, unit="min")}
    )


def ingest(store: FeatureStoreRef, group: str, rows: pd.DataFrame) -> None:
    write_history(store, group, typed_rows(group, store["groups"][group], rows))


def brute_force(history: pd.DataFrame, asked: pd.DataFrame, oldest: pd.Timedelta | None = None) -> list[float]:
    """The rule, question by question."""
    answers = []
    for question in asked.itertuples():
        known = history[(history["origin"] == question.origin) & (history["known_at"] <= question.asked)]
        if oldest is not None:
            known = known[known["known_at"] + oldest >= question.asked]
        answers.append(known.sort_values("known_at")["share"].iloc[-1] if len(known) else float("nan"))
    return answers


@pytest.mark.parametrize("seed", range(3))
def test_every_answer_is_the_latest_row_that_was_known(store: Make, seed: int) -> None:
    rng = np.random.default_rng(seed)
    history, asked, made = hourly(rng, 20), questions(rng, 20, 400), store()
    ingest(made, "origin_delays", history)
    joined = join(made, ["origin_delays.share"], asked, "asked")
    assert joined.index.equals(asked.index)
    np.testing.assert_array_equal(joined["origin_delays__share"], brute_force(history, asked))


def test_a_row_that_is_too_old_is_no_answer(store: Make) -> None:
    rng = np.random.default_rng(9)
    history, asked, made = hourly(rng, 3), questions(rng, 6, 300), store(TTL_GROUPS)
    ingest(made, "origin_delays", history)
    joined = join(made, ["origin_delays.share"], asked, "asked")
    expected = brute_force(history, asked, pd.Timedelta(days=1))
    np.testing.assert_array_equal(joined["origin_delays__share"], expected)
    assert np.isnan(expected).sum() > np.isnan(brute_force(history, asked)).sum()


def test_a_planted_future_value_does_not_leak(store: Make) -> None:
    """All rows from a moment on are replaced: whoever asked before it must not notice, whoever asks later must."""
    rng = np.random.default_rng(5)
    history, asked = hourly(rng, 10), questions(rng, 10, 500)
    moment = START + pd.Timedelta(days=5)
    planted = history.assign(share=history["share"].mask(history["known_at"] >= moment, -1.0))
    answers = []
    for rows in (history, planted):
        made = store()
        ingest(made, "origin_delays", rows)
        answers.append(join(made, ["origin_delays.share"], asked, "asked")["origin_delays__share"].to_numpy())
    before = (asked["asked"] < moment).to_numpy()
    np.testing.assert_array_equal(answers[0][before], answers[1][before])
    assert not (answers[1][before] == -1.0).any()
    later = ((asked["asked"] >= moment + pd.Timedelta(days=1)) & asked["origin"].isin(ORIGINS)).to_numpy()
    assert later.sum() > 50
    assert (answers[1][later] == -1.0).all()


def test_the_row_of_the_very_moment_counts_and_the_next_microsecond_does_not(store: Make) -> None:
    made = store()
    moments = [START, START + pd.Timedelta(microseconds=1)]
    ingest(made, "origin_delays", pd.DataFrame({"origin": "EWR", "known_at": moments, "share": [0.25, 0.75]}))
    asked = pd.DataFrame({"origin": "EWR", "asked": [START - pd.Timedelta(microseconds=1), *moments]})
    joined = join(made, ["origin_delays.share"], asked, "asked")["origin_delays__share"].tolist()
    assert np.isnan(joined[0])
    assert joined[1:] == [0.25, 0.75]


def test_groups_of_several_keys_and_types_side_by_side(store: Make) -> None:
    made = store()
    ingest(made, "origin_delays", pd.DataFrame({"origin": ["EWR"], "known_at": [START], "share": [0.5]}))
    route: dict[str, Any] = {"known_at": START, "share": 0.1, "flights": 3, "busy": True, "carrier": "Ü", "last": START}
    ingest(made, "route_delays", pd.DataFrame([{"origin": "EWR", "dest": "IAH", **route}]))
    asked = pd.DataFrame(
        {"dest": ["SFO", "IAH", "IAH"], "origin": "EWR", "asked": START + pd.Timedelta(hours=1)}, index=[7, 3, 7]
    )
    wanted = ["route_delays.flights", "origin_delays.share", "route_delays.share", "route_delays.carrier"]
    joined = join(made, wanted, asked, "asked")
    assert list(joined.columns) == [
        "dest",
        "origin",
        "asked",
        *(
            name.replace(".", "__")
            for name in ("route_delays.flights", "route_delays.share", "route_delays.carrier", "origin_delays.share")
        ),
    ]
    assert joined.index.tolist() == [7, 3, 7]
    assert joined["route_delays__flights"].tolist()[1:] == [3, 3]
    assert joined["route_delays__carrier"].tolist()[1:] == ["Ü", "Ü"]
    assert joined["origin_delays__share"].tolist() == [0.5, 0.5, 0.5]
    assert joined.iloc[0][["route_delays__flights", "route_delays__share", "route_delays__carrier"]].isna().all()


def test_rows_without_the_keys_are_a_sentence(store: Make) -> None:
    made = store()
    with pytest.raises(ContractError, match="lack the column `origin`, by which the features of group `origin_delays`"):
        join(made, ["origin_delays.share"], pd.DataFrame({"asked": [START]}), "asked")
    assert GROUPS["origin_delays"]["entity"] == "origin"
