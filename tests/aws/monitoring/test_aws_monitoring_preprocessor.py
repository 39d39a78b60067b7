"""The script that Model Monitor's analyzer runs on each captured request."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlops_components.monitoring.templates.record_preprocessor import preprocess_handler


def captured(given: Any, answered: Any, kind: str = "application/json") -> Any:
    def side(data: Any) -> Any:
        return SimpleNamespace(data=data, observedContentType=kind, encoding="CSV" if "csv" in kind else "JSON")

    return SimpleNamespace(endpoint_input=side(given), endpoint_output=side(answered))


def test_both_protocols_of_the_server_become_flat_records() -> None:
    expected = [{"hour": 5, "carrier": "UA", "prediction": 0.2}, {"hour": 6, "carrier": "DL", "prediction": 0.7}]
    plain = {"instances": [{"hour": 5, "carrier": "UA"}, {"hour": 6, "carrier": "DL"}]}
    assert preprocess_handler(captured(json.dumps(plain), json.dumps({"predictions": [0.2, 0.7]}))) == expected
    tensors = {"inputs": [{"name": "hour", "data": [5, 6]}, {"name": "carrier", "data": ["UA", "DL"]}]}
    answer = {"outputs": [{"name": "prediction", "data": [0.2, 0.7]}]}
    assert preprocess_handler(captured(json.dumps(tensors), json.dumps(answer))) == expected


def test_columns_of_csv_are_named_as_in_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = captured("5,UA\n6,DL\n", "0.2\n0.7\n", "text/csv; charset=utf-8")
    assert preprocess_handler(request)[0] == {"_c0": "5", "_c1": "UA", "prediction": "0.2"}
    constraints = {"features": [{"name": name} for name in ("hour", "carrier", "prediction")]}
    (tmp_path / "constraints.json").write_text(json.dumps(constraints))
    monkeypatch.setenv("baseline_constraints", str(tmp_path / "constraints.json"))
    assert preprocess_handler(request)[1] == {"hour": "6", "carrier": "DL", "prediction": "0.7"}


def test_a_request_without_an_answer_is_kept_without_a_prediction() -> None:
    request = captured(json.dumps({"instances": [{"hour": 5}]}), None)
    assert preprocess_handler(request) == [{"hour": 5}]
