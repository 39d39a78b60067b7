"""SageMaker's history and online rows as steps and servers use them: written, joined, taken back, made good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from mlops_components.spec.feature import SageMakerFeaturesRef
from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.features import sagemaker_store
from mlops_stacks.runtime.features.history import typed_rows
from mlops_stacks.runtime.features.offline_files import changes, current, read_files, write_files
from mlops_stacks.runtime.features.online import LookupFaultError
from mlops_stacks.runtime.features.records import stored_rows
from mlops_stacks.runtime.features.stores import ingest, join, online

pytest_plugins = ["aws.features.feature_records"]

REGION = "eu-central-1"
START = pd.Timestamp("2013-01-01", tz="UTC")
HOUR = pd.Timedelta(hours=1)
GROUPS: dict[str, Any] = {
    "origin_delays": {
        "entity": "origin",
        "event_time": "known_at",
        "features": [{"name": "share", "type": "float"}],
    },
    "route_delays": {
        "entity": "route",
        "keys": ["origin", "dest"],
        "event_time": "known_at",
        "features": [
            {"name": "share", "type": "float"},
            {"name": "flights", "type": "integer"},
            {"name": "busy", "type": "boolean"},
            {"name": "carrier", "type": "string"},
            {"name": "last", "type": "timestamp"},
        ],
    },
}
Store = SageMakerFeaturesRef
OnlineFeatures = Any


def reference(groups: dict[str, Any]) -> Store:
    return {
        "feature_groups": {group: f"flights-dev-{group}" for group in groups},
        "region": REGION,
        "groups": groups,
    }


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Store]:
    """A store whose histories are folders here; what is online is not looked at."""

    def make(groups: dict[str, Any] = GROUPS) -> Store:
        monkeypatch.setattr(sagemaker_store, "history_uri", lambda _, group: f"file://{tmp_path}/{group}")
        return reference(groups)

    return make


def write(store: Store, group: str, rows: pd.DataFrame) -> None:
    """What the ingestion does with one history."""
    definition, uri = store["groups"][group], sagemaker_store.history_uri(store, group)
    before = current(read_files(uri, definition), definition)
    wanted = stored_rows(group, definition, typed_rows(group, definition, rows))
    write_files(uri, definition, changes(before, wanted, definition))


def shares(store: Store, asked: list[tuple[str, pd.Timestamp]]) -> list[Any]:
    rows = pd.DataFrame(asked, columns=["origin", "asked"])
    return [
        None if np.isnan(v) else v for v in join(store, ["origin_delays.share"], rows, "asked")["origin_delays__share"]
    ]


def origins(*rows: tuple[str, pd.Timestamp, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["origin", "known_at", "share"])


@pytest.mark.parametrize(("seed", "days"), [(0, None), (1, None), (2, 1)])
def test_every_answer_is_the_latest_row_that_was_known(
    history: Callable[..., Store], seed: int, days: int | None
) -> None:
    rng = np.random.default_rng(seed)
    ttl = {} if days is None else {"ttl_days": days}
    store = history({"origin_delays": {**GROUPS["origin_delays"], **ttl}})
    hours = pd.date_range(START, periods=24 * 4, freq="1h")
    table = pd.MultiIndex.from_product([["EWR", "JFK"], hours], names=["origin", "known_at"]).to_frame(index=False)
    table = table[rng.random(len(table)) < 0.3].reset_index(drop=True).assign(share=lambda t: rng.random(len(t)))
    write(store, "origin_delays", table)
    minutes = rng.integers(-600, 8 * 1440, 300)
    asked = pd.DataFrame(
        {"origin": rng.choice(["EWR", "JFK", "SFO"], 300), "asked": START + pd.to_timedelta(minutes, unit="min")}
    )
    expected = []
    for question in asked.itertuples():
        known = table[(table["origin"] == question.origin) & (table["known_at"] <= question.asked)]
        if days:
            known = known[known["known_at"] + pd.Timedelta(days=days) >= question.asked]
        expected.append(known.sort_values("known_at")["share"].iloc[-1] if len(known) else float("nan"))
    joined = join(store, ["origin_delays.share"], asked, "asked")
    np.testing.assert_array_equal(joined["origin_delays__share"], expected)
    assert 0 < np.isnan(expected).sum() < 300


def test_the_row_of_the_very_moment_counts_and_an_earlier_question_does_not_see_it(
    history: Callable[..., Store],
) -> None:
    store = history()
    write(store, "origin_delays", origins(("EWR", START, 0.25)))
    before, at = START - pd.Timedelta(microseconds=1), START
    assert shares(store, [("EWR", before), ("EWR", at), ("JFK", at)]) == [None, 0.25, None]


def test_a_row_is_never_known_before_it_was(history: Callable[..., Store]) -> None:
    """SageMaker keeps milliseconds: what lies between two of them is known from the later one on."""
    store = history()
    write(store, "origin_delays", origins(("EWR", START + pd.Timedelta(microseconds=1), 0.5)))
    moments = [START + pd.Timedelta(microseconds=m) for m in (0, 999, 1000)]
    assert shares(store, [("EWR", at) for at in moments]) == [None, None, 0.5]


def test_all_types_and_several_keys_come_back_as_they_were(history: Callable[..., Store]) -> None:
    store = history()
    full = {"share": 0.1, "flights": 3, "busy": True, "carrier": "Ü", "last": START}
    empty = {"share": None, "flights": None, "busy": None, "carrier": None, "last": None}
    rows = pd.DataFrame(
        [
            {"origin": "a|b", "dest": "c", "known_at": START, **full},
            {"origin": "a", "dest": "b|c", "known_at": START, **empty},
        ]
    )
    write(store, "route_delays", rows)
    asked = pd.DataFrame({"dest": ["c", "b|c", "c"], "origin": ["a|b", "a", "a|b"], "asked": START}, index=[7, 3, 7])
    joined = join(store, [f"route_delays.{name}" for name in full], asked, "asked")
    assert joined.index.tolist() == [7, 3, 7]
    first = joined.iloc[0]
    assert [first[f"route_delays__{name}"] for name in ("share", "flights", "busy", "carrier")] == [0.1, 3, True, "Ü"]
    assert joined.iloc[1][[f"route_delays__{name}" for name in full]].isna().all()


def test_a_run_replaces_what_lies_between_its_first_and_last_row(history: Callable[..., Store]) -> None:
    store = history()
    write(store, "origin_delays", origins(*(("EWR", START + hour * HOUR, hour / 10) for hour in range(6))))
    # The hour 2 is corrected, the hour 3 was never true; 0, 1 and 5 are not spoken of.
    write(store, "origin_delays", origins(("EWR", START + 2 * HOUR, 9.0), ("EWR", START + 4 * HOUR, 0.4)))
    answers = shares(store, [("EWR", START + hour * HOUR) for hour in range(6)])
    assert answers == [0.0, 0.1, 9.0, 9.0, 0.4, 0.5]


def test_writing_the_same_again_writes_nothing(history: Callable[..., Store], tmp_path: Path) -> None:
    store = history()
    full = {"share": 0.1, "flights": 3, "busy": None, "carrier": "Ü", "last": START}
    rows = pd.DataFrame([{"origin": "EWR", "dest": "IAH", "known_at": START, **full}])
    write(store, "route_delays", rows)
    files = sorted(tmp_path.rglob("*.parquet"))
    write(store, "route_delays", rows)
    assert sorted(tmp_path.rglob("*.parquet")) == files
    assert len(files) == 1


def test_files_are_as_sagemaker_lays_them_out(history: Callable[..., Store], tmp_path: Path) -> None:
    store = history()
    write(store, "origin_delays", origins(("EWR", START, 0.5), ("JFK", START + HOUR, 0.7)))
    folders = sorted(path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet"))
    assert folders == [f"origin_delays/year=2013/month=01/day=01/hour={hour}" for hour in ("00", "01")]
    (first,) = (tmp_path / folders[0]).iterdir()
    table = pq.ParquetFile(first).read()
    assert set(table.column_names) == {"origin", "known_at", "share", "write_time", "api_invocation_time", "is_deleted"}
    assert table["known_at"].to_pylist() == ["2013-01-01T00:00:00.000Z"]
    assert table["is_deleted"].to_pylist() == [False]
    assert first.name.startswith("20130101T000000Z_")


def test_a_record_that_somebody_deleted_is_unknown_from_then_on(history: Callable[..., Store]) -> None:
    """`DeleteRecord` leaves a mark at a moment of its own, in a file that SageMaker writes."""
    store = history()
    definition = store["groups"]["origin_delays"]
    uri = sagemaker_store.history_uri(store, "origin_delays")
    write(store, "origin_delays", origins(("EWR", START, 0.5)))
    deleted = stored_rows("g", definition, typed_rows("g", definition, origins(("EWR", START + HOUR, 0.0))))
    write_files(uri, definition, deleted.assign(is_deleted=True))
    assert shares(store, [("EWR", START), ("EWR", START + HOUR)]) == [0.5, None]
    # A run that speaks of that time does not undo it.
    write(store, "origin_delays", origins(("EWR", START, 0.5), ("EWR", START + 2 * HOUR, 0.6)))
    assert shares(store, [("EWR", START + hour * HOUR) for hour in range(3)]) == [0.5, None, 0.6]


def test_two_rows_in_one_millisecond_are_a_sentence() -> None:
    definition = GROUPS["origin_delays"]
    rows = origins(("EWR", START, 0.1), ("EWR", START - pd.Timedelta(microseconds=5), 0.2))
    with pytest.raises(ContractError, match=r"two rows for origin EWR at .*, to the millisecond that SageMaker keeps"):
        stored_rows("origin_delays", definition, typed_rows("origin_delays", definition, rows))


def test_without_history_the_join_says_so(history: Callable[..., Store]) -> None:
    with pytest.raises(ContractError, match="the feature group `origin_delays` has no history"):
        shares(history(), [("EWR", START)])


def test_rows_without_the_keys_are_a_sentence(history: Callable[..., Store]) -> None:
    with pytest.raises(ContractError, match="lack the column `origin`, by which the features of group `origin_delays`"):
        join(history(), ["origin_delays.share"], pd.DataFrame({"asked": [START]}), "asked")


@pytest.fixture
def store(online_features: OnlineFeatures) -> Store:
    """Feature groups of the emulator, with a bucket for their files."""
    boto3.client("s3", region_name=REGION).create_bucket(
        Bucket="history", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    made = reference(GROUPS)
    kinds = {
        "float": "Fractional",
        "integer": "Integral",
        "boolean": "Integral",
        "string": "String",
        "timestamp": "String",
    }
    for group, of in GROUPS.items():
        keys = of.get("keys", [of["entity"]])
        texts = [*(["record_key"] if len(keys) > 1 else []), *keys, of["event_time"]]
        boto3.client("sagemaker", region_name=REGION).create_feature_group(
            FeatureGroupName=made["feature_groups"][group],
            RecordIdentifierFeatureName=texts[0],
            EventTimeFeatureName=of["event_time"],
            FeatureDefinitions=[
                *({"FeatureName": name, "FeatureType": "String"} for name in texts),
                *({"FeatureName": f["name"], "FeatureType": kinds[f["type"]]} for f in of["features"]),
            ],
            OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://history/features"}},
            OnlineStoreConfig={"EnableOnlineStore": True},
            RoleArn="arn:aws:iam::123456789012:role/features",
        )
    return made


def bring(store: Store, group: str, rows: pd.DataFrame) -> dict[str, Any]:
    return ingest(store, {group: typed_rows(group, store["groups"][group], rows)})


def test_history_on_s3_and_online_rows_agree(store: Store, online_features: OnlineFeatures) -> None:
    rows = origins(("EWR", START, 0.1), ("EWR", START + HOUR, 0.2), ("JFK", START, 0.3))
    brought = bring(store, "origin_delays", rows)
    assert brought == {
        "history": {"origin_delays": 3},
        "online": ["origin_delays"],
        "online_changes": {"origin_delays": {"put": 2, "deleted": 0}},
    }
    reader = online(store)
    assert [reader.row("origin_delays", {"origin": o}, ["share"])["share"] for o in ("EWR", "JFK", "SFO")] == [
        0.2,
        0.3,
        None,
    ]
    assert shares(store, [("EWR", START), ("EWR", START + HOUR), ("JFK", START + HOUR)]) == [0.1, 0.2, 0.3]
    reader.close()
    online_features.calls.clear()
    again = bring(store, "origin_delays", rows)
    assert again["online_changes"] == {"origin_delays": {"put": 0, "deleted": 0}}
    assert set(online_features.calls) == {"BatchGetRecord"}


def test_what_is_corrected_or_taken_back_is_so_online_as_well(store: Store, online_features: OnlineFeatures) -> None:
    bring(
        store,
        "origin_delays",
        origins(("EWR", START, 0.1), ("EWR", START + HOUR, 0.2), ("JFK", START, 0.3), ("LGA", START + HOUR, 0.4)),
    )
    # The last row of EWR and all of LGA were never true, JFK's is corrected without being later.
    later = origins(("EWR", START, 0.1), ("JFK", START, 0.9), ("SFO", START + 2 * HOUR, 0.5))
    assert bring(store, "origin_delays", later)["online_changes"] == {"origin_delays": {"put": 3, "deleted": 1}}
    reader = online(store)
    found = {o: reader.row("origin_delays", {"origin": o}, ["share"])["share"] for o in ("EWR", "JFK", "LGA", "SFO")}
    assert found == {"EWR": 0.1, "JFK": 0.9, "LGA": None, "SFO": 0.5}


def test_a_run_that_was_killed_in_between_is_made_good_by_the_next(
    store: Store, online_features: OnlineFeatures
) -> None:
    rows = origins(("EWR", START, 0.1), ("JFK", START, 0.3))
    definition = GROUPS["origin_delays"]
    wanted = stored_rows("origin_delays", definition, typed_rows("origin_delays", definition, rows))
    write_files(sagemaker_store.history_uri(store, "origin_delays"), definition, wanted.assign(is_deleted=False))
    assert online_features.records == {}
    assert bring(store, "origin_delays", rows)["online_changes"] == {"origin_delays": {"put": 2, "deleted": 0}}


def test_more_entities_than_one_call_takes(store: Store) -> None:
    many = origins(*((f"O{number}", START, number / 10) for number in range(230)))
    assert bring(store, "origin_delays", many)["online_changes"] == {"origin_delays": {"put": 230, "deleted": 0}}
    assert bring(store, "origin_delays", many)["online_changes"] == {"origin_delays": {"put": 0, "deleted": 0}}


def test_a_server_reads_all_types_by_several_keys(store: Store) -> None:
    full = {"share": 1e-7, "flights": 3, "busy": False, "carrier": "Ü|\\", "last": START}
    bring(store, "route_delays", pd.DataFrame([{"origin": "a|b", "dest": "c&d", "known_at": START, **full}]))
    names = ["share", "flights", "busy", "carrier"]
    found = online(store).row("route_delays", {"dest": "c&d", "origin": "a|b"}, names)
    assert found == {name: full[name] for name in names}
    assert found["busy"] is False


def test_a_row_that_expired_is_not_served(store: Store) -> None:
    now = pd.Timestamp.now(tz="UTC")
    limited: Store = {**store, "groups": {**GROUPS, "origin_delays": {**GROUPS["origin_delays"], "ttl_days": 1}}}
    rows = origins(("EWR", now - pd.Timedelta(days=2), 0.1), ("JFK", now - HOUR, 0.3))
    assert bring(limited, "origin_delays", rows)["online_changes"] == {"origin_delays": {"put": 1, "deleted": 0}}
    # Nobody has deleted it yet where the limit was set later.
    bring(store, "origin_delays", rows)
    reader = online(limited)
    assert [reader.row("origin_delays", {"origin": o}, ["share"])["share"] for o in ("EWR", "JFK")] == [None, 0.3]


def test_where_nobody_can_tell_a_server_gets_a_fault(store: Store) -> None:
    unknown: Store = {**store, "feature_groups": {"origin_delays": "not-there"}}
    with pytest.raises(LookupFaultError, match="the features of group `origin_delays` cannot be looked up"):
        online(unknown).row("origin_delays", {"origin": "EWR"}, ["share"])
