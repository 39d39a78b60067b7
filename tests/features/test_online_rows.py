"""The online rows: read without Feast, the same as Feast reads them, and as training joined them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from feature_stores import TTL_GROUPS
from hypothesis import given
from hypothesis import strategies as st

from mlops_components.spec.feature import FeatureStoreRef
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.features.feast_store import join, materialise
from mlops_stacks.runtime.features.history import typed_rows, write_history
from mlops_stacks.runtime.features.online import LookupFaultError, OnlineStore, key_bytes, value_of

Make = Callable[..., FeatureStoreRef]
START = pd.Timestamp("2013-01-01", tz="UTC")
NAMES = ["share", "flights", "busy", "carrier", "last"]


def routes(rng: np.random.Generator) -> pd.DataFrame:
    days = pd.date_range(START, periods=10, freq="1D")
    table = pd.MultiIndex.from_product(
        [["EWR", "JFK"], ["IAH", "SFO", "Zürich"], days], names=["origin", "dest", "known_at"]
    ).to_frame(index=False)
    size = len(table)
    return table.assign(
        share=np.where(rng.random(size) < 0.2, np.nan, rng.random(size)),
        flights=pd.Series(rng.integers(-(2**40), 2**40, size), dtype="Int64").mask(rng.random(size) < 0.2),
        busy=rng.random(size) < 0.5,
        carrier=rng.choice(["UA", "", "Ü", None], size),
        last=table["known_at"],
    )


def ingest(store: FeatureStoreRef, group: str, rows: pd.DataFrame) -> None:
    write_history(store, group, typed_rows(group, store["groups"][group], rows))


def same(one: Any, other: Any) -> bool:
    return bool(one == other) or (pd.isna(one) and pd.isna(other))


def test_rows_are_as_feast_reads_them(store: Make) -> None:
    from feast import FeatureStore

    made = store()
    ingest(made, "route_delays", routes(np.random.default_rng(0)))
    assert materialise(made) == ["route_delays"]
    feast, online = FeatureStore(made["repository"]), OnlineStore(made)
    for origin in ("EWR", "JFK", "LGA"):
        for dest in ("IAH", "SFO", "Zürich"):
            keys = {"origin": origin, "dest": dest}
            theirs = feast.get_online_features([f"route_delays:{name}" for name in NAMES], [keys]).to_dict()
            ours = online.row("route_delays", keys, NAMES)
            for name in NAMES:
                value = theirs[name][0]
                if name == "last" and value is not None:
                    value = int(value.timestamp())
                assert same(ours[name], value), (keys, name, ours[name], value)


def test_training_row_and_online_lookup_are_equal_for_the_same_question(store: Make) -> None:
    """As of any moment: what training joined for it is what a server would have looked up at it."""
    rng = np.random.default_rng(1)
    made, history = store(), routes(rng)
    ingest(made, "route_delays", history)
    features = ["route_delays.share", "route_delays.flights", "route_delays.carrier"]
    for hours in (0, 30, 100, 239, 400):
        moment = START + pd.Timedelta(hours=hours)
        keys = history[["origin", "dest"]].drop_duplicates().assign(asked=moment)
        joined = join(made, features, keys, "asked")
        materialise(made, until=moment.to_pydatetime())
        online = OnlineStore(made)
        for row in joined.to_dict(orient="records"):
            found = online.row("route_delays", {"origin": row["origin"], "dest": row["dest"]}, NAMES)
            for feature in features:
                assert same(row[feature.replace(".", "__")], found[feature.partition(".")[2]]), (moment, row, found)


def test_a_server_sees_new_rows_without_being_told(store: Make) -> None:
    made = store()
    row = pd.DataFrame({"origin": ["EWR"], "known_at": [START], "share": [0.25]})
    ingest(made, "origin_delays", row)
    materialise(made)
    online = OnlineStore(made)
    assert online.row("origin_delays", {"origin": "EWR"}, ["share"]) == {"share": 0.25}
    ingest(made, "origin_delays", row.assign(known_at=START + pd.Timedelta(hours=1), share=0.75))
    materialise(made)
    assert online.row("origin_delays", {"origin": "EWR"}, ["share"]) == {"share": 0.75}
    online.close()


def test_an_entity_that_the_history_lost_is_not_served(store: Make) -> None:
    made = store()
    row = pd.DataFrame({"origin": ["EWR"], "known_at": [START], "share": [0.25]})
    ingest(made, "origin_delays", row)
    materialise(made)
    ingest(made, "origin_delays", row.assign(origin="JFK"))
    materialise(made)
    assert OnlineStore(made).row("origin_delays", {"origin": "EWR"}, ["share"]) == {"share": None}


def test_an_older_run_does_not_turn_the_online_rows_back(store: Make) -> None:
    made = store()
    row = pd.DataFrame({"origin": ["EWR"], "known_at": [START], "share": [0.75]})
    ingest(made, "origin_delays", row)
    ingest(made, "origin_delays", row.assign(known_at=START - pd.Timedelta(days=30), share=0.1))
    materialise(made)
    assert OnlineStore(made).row("origin_delays", {"origin": "EWR"}, ["share"]) == {"share": 0.75}


def test_rows_beyond_the_groups_limit_are_not_served(store: Make) -> None:
    made = store(TTL_GROUPS)
    now = pd.Timestamp.now(tz="UTC")
    ages = {"EWR": pd.Timedelta(hours=23), "JFK": pd.Timedelta(hours=25)}
    table = pd.DataFrame([{"origin": o, "known_at": now - age, "share": 0.5} for o, age in ages.items()])
    ingest(made, "origin_delays", table)
    materialise(made)
    online = OnlineStore(made)
    assert online.row("origin_delays", {"origin": "EWR"}, ["share"]) == {"share": 0.5}
    assert online.row("origin_delays", {"origin": "JFK"}, ["share"]) == {"share": None}


def test_a_store_that_cannot_be_read_is_an_error_and_no_missing_value(store: Make) -> None:
    made = store()
    Path(made["online"]).unlink()
    with pytest.raises(LookupFaultError, match="cannot be read"):
        OnlineStore(made).row("origin_delays", {"origin": "EWR"}, ["share"])
    ingest(made, "origin_delays", pd.DataFrame({"origin": ["EWR"], "known_at": [START], "share": [0.5]}))
    with pytest.raises(SettingsError, match="is missing: run `mlops-stacks up` again"):
        materialise(made)
    Path(made["online"]).write_bytes(b"no database")
    with pytest.raises(LookupFaultError):
        OnlineStore(made).row("origin_delays", {"origin": "EWR"}, ["share"])


@given(st.dictionaries(st.text("abcde_", min_size=1), st.text(), min_size=1, max_size=3))
def test_keys_are_written_as_feast_writes_them(keys: dict[str, str]) -> None:
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    theirs = EntityKey(join_keys=list(keys), entity_values=[Value(string_val=text) for text in keys.values()])
    assert key_bytes(keys) == serialize_entity_key(theirs, entity_key_serialization_version=3)


@given(
    st.one_of(
        st.tuples(st.just("int64_val"), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just("int32_val"), st.integers(-(2**31), 2**31 - 1)),
        st.tuples(st.just("double_val"), st.floats(allow_nan=False)),
        st.tuples(st.just("float_val"), st.floats(width=32, allow_nan=False)),
        st.tuples(st.just("bool_val"), st.booleans()),
        st.tuples(st.just("string_val"), st.text()),
        st.tuples(st.just("unix_timestamp_val"), st.integers(0, 2**40)),
    )
)
def test_values_are_read_as_feast_writes_them(value: tuple[str, Any]) -> None:
    from feast.protos.feast.types.Value_pb2 import Value

    field, written = value
    found = value_of(Value(**{field: written}).SerializeToString())
    assert found == written
    assert type(found) is type(written)
    assert value_of(Value().SerializeToString()) is None


def test_materialising_is_seen_whole(store: Make) -> None:
    """While Feast fills the copy, readers see the old rows; a copy that a killed run left does no harm."""
    made = store()
    ingest(made, "origin_delays", pd.DataFrame({"origin": ["EWR"], "known_at": [START], "share": [0.5]}))
    part = Path(made["online"]).with_name(".online_store.db.part")
    part.write_bytes(b"half a copy")
    part.with_name(".online_store.db.part-journal").write_bytes(b"half a journal")
    materialise(made)
    assert OnlineStore(made).row("origin_delays", {"origin": "EWR"}, ["share"]) == {"share": 0.5}
    assert not part.exists()
    with sqlite3.connect(made["online"]) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
