"""Free-form input: tensors, instances, parameters, profiles. Whatever comes in, the answer is a table or a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_stacks.runtime.drift import profile, stability
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.parameters import merged
from mlops_stacks.runtime.serving.tensors import (
    InputError,
    answer_values,
    columns_of_instances,
    columns_of_tensors,
    frame,
)
from mlops_stacks.runtime.workload import Column

COLUMNS = (
    Column("size", "float", nullable=True),
    Column("count", "integer"),
    Column("colour", "string"),
    Column("new", "boolean"),
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(
    st.fixed_dictionaries({"size": st.none() | FLOATS, "count": INTEGERS, "colour": st.text(), "new": st.booleans()}),
    min_size=1,
    max_size=5,
)
TEXT = st.text(st.characters(), max_size=5)
"""With lone surrogates, which JSON can say and UTF-8 cannot."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DATATYPES = {"size": "FP64", "count": "INT64", "colour": "BYTES", "new": "BOOL"}


def as_tensors(rows: list[dict[str, Any]], *, column_vectors: bool) -> list[dict[str, Any]]:
    shape = [len(rows), 1] if column_vectors else [len(rows)]
    return [
        {
            "name": name,
            "datatype": datatype,
            "shape": shape,
            "data": [[row[name]] if column_vectors else row[name] for row in rows],
        }
        for name, datatype in DATATYPES.items()
    ]


def frame_of_instances(instances: Any, columns: Any) -> pd.DataFrame:
    return frame(columns_of_instances(instances, columns), columns)


def frame_of_tensors(tensors: Any, columns: Any) -> pd.DataFrame:
    return frame(columns_of_tensors(tensors, columns), columns)


def table_or_sentence(decode: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """What `decode` gives; None if it refuses with what reads like a sentence."""
    try:
        return decode()
    except InputError as error:
        if not str(error).endswith((".", "?")):
            raise AssertionError(f"not a sentence: {error}") from error
        return None


@given(ROWS, st.booleans())
def test_tensors_and_instances_give_the_same_table(rows: list[dict[str, Any]], column_vectors: bool) -> None:
    by_row = frame_of_instances(rows, COLUMNS)
    by_column = frame_of_tensors(as_tensors(rows, column_vectors=column_vectors), COLUMNS)
    pd.testing.assert_frame_equal(by_row, by_column)
    assert list(by_row.columns) == [column.name for column in COLUMNS]
    assert by_row["count"].tolist() == [row["count"] for row in rows]
    assert by_row["colour"].tolist() == [row["colour"] for row in rows]


@given(st.lists(JSON, max_size=3))
def test_any_instances_are_a_table_or_a_sentence(instances: list[Any]) -> None:
    table = table_or_sentence(lambda: frame_of_instances(instances, COLUMNS))
    assert table is None or len(table) == len(instances)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from([*DATATYPES, "other"]),
                "datatype": st.sampled_from([*DATATYPES.values(), "FP32", "odd"]),
                "shape": st.lists(st.integers(-1, 4), max_size=3),
                "data": st.lists(JSON, max_size=4),
            }
        ),
        max_size=5,
    )
)
def test_any_tensors_are_a_table_or_a_sentence(tensors: list[dict[str, Any]]) -> None:
    table = table_or_sentence(lambda: frame_of_tensors(tensors, COLUMNS))
    assert table is None or len(table) >= 1


def test_text_that_utf8_cannot_hold_is_refused() -> None:
    row = {"size": 1.0, "count": 1, "colour": "\ud800", "new": True}
    with pytest.raises(InputError, match="in the column `colour`"):
        frame_of_instances([row], COLUMNS)


def test_answers_hold_no_value_that_json_lacks() -> None:
    import numpy as np

    assert answer_values(np.array([0.5, np.nan, np.inf])) == [0.5, None, None]
    assert answer_values(np.array(["a", "b"])) == ["a", "b"]


@given(INTEGERS, FLOATS, st.booleans(), st.text())
def test_parameters_given_as_text_get_the_type_of_the_default(i: int, f: float, b: bool, s: str) -> None:
    import json

    defaults = {"i": 0, "f": 0.0, "b": False, "s": ""}
    run = {"i": json.dumps(i), "f": json.dumps(f), "b": json.dumps(b), "s": s}
    values = merged(defaults, {}, run, "w")
    assert {name: values[name] for name in defaults} == {"i": i, "f": f, "b": b, "s": s}


def test_the_run_overrides_the_blueprint_overrides_the_workload() -> None:
    values = merged({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2}, {"a": "3"}, "w")
    assert (values["a"], values["b"], values["c"]) == (3, 2, 1)
    assert merged({}, {"drift_psi_limit": 1}, {}, "w")["drift_psi_limit"] == 1.0


@pytest.mark.parametrize(("name", "value"), [("a", "x"), ("a", 1.5), ("f", "true"), ("unknown", 1)])
def test_wrong_parameters_are_refused(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"`{name}`"):
        merged({"a": 1, "f": 1.0}, {name: value}, {}, "w")


def test_the_same_data_has_not_drifted_and_moved_data_has() -> None:
    number = pd.Series(range(1000))
    table = pd.DataFrame({"number": number * 1.0, "text": number.map(lambda i: "abcd"[i % 4]), "when": pd.Timestamp(0)})
    reference = profile({"t": table}, {"t": ["number", "text", "when"]})
    assert set(reference) == {"t.number", "t.text"}
    assert stability(reference, {"t": table}) == {"t.number": 0.0, "t.text": 0.0}
    moved = table.assign(number=table["number"] + 500, text=table["text"].replace("a", "new"))
    indices = stability(reference, {"t": moved})
    assert indices["t.number"] > 0.25
    assert indices["t.text"] > 0.25
    missing = stability(reference, {"t": table.assign(number=table["number"].where(number % 2 == 0))})
    assert missing["t.number"] > 0.25
    slightly = stability(reference, {"t": table.assign(number=table["number"] * 1.01)})
    assert 0 < slightly["t.number"] < 0.1


def test_a_column_that_became_another_kind_is_not_compared() -> None:
    table = pd.DataFrame({"x": [1.0, 2.0]})
    reference = profile({"t": table}, {"t": ["x"]})
    assert stability(reference, {"t": pd.DataFrame({"x": ["a", "b"]})}) == {}
    assert stability(reference, {"other": table}) == {}
