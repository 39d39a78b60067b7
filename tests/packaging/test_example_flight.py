"""The flight that the quickstart asks about is one that took place, after the last day of training."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_flight_of_the_quickstart_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "examples" / "flight_delay"), *sys.path])
    from flight_delay.data import read_flights, read_weather
    from flight_delay.features import with_features

    day = "2013-04-01"
    flights = read_flights(day, day)
    rows = with_features(flights, read_weather(day, day))
    asked = json.loads((ROOT / "examples" / "flight_delay" / "flight.json").read_text())
    # Releases of pandas differ in the last digit that they read from a CSV file.
    same = (rows[list(asked)].round(9) == [round(v, 9) if isinstance(v, float) else v for v in asked.values()]).all(
        axis=1
    )
    assert same.sum() == 1
    assert flights["arr_delay"].to_numpy()[same.to_numpy()] == [17]
