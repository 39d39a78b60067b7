"""The table of `up`: longest first, with shares of the whole, and nothing counted twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_stacks.cli.main import run
from mlops_stacks.cli.timings import BETWEEN, Clock, covered, rows

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (min(pair), max(pair))))


@given(SPANS)
def test_time_within_spans_is_counted_once(spans: list[tuple[int, int]]) -> None:
    seconds = {second for begin, end in spans for second in range(begin, end)}
    assert covered(spans) == len(seconds)


def test_longest_first_with_shares_and_the_time_between() -> None:
    clock = Clock()
    clock.step("dev", "slow", "Program", "created", end=6.0, seconds=5.0)
    clock.step("dev", "beside", "Port", "created", end=3.0, seconds=1.0)
    clock.step("dev", "late", "File", "updated", end=8.0, seconds=1.0)
    clock.scope("dev", 0.0, 10.0)
    clock.scope("prod", 10.0, 11.0)
    found = clock.timings()
    assert [(t.name, t.seconds, t.share) for t in found] == [
        ("slow", 5.0, pytest.approx(5 / 11, abs=1e-4)),
        (BETWEEN, 4.0, pytest.approx(4 / 11, abs=1e-4)),
        ("beside", 1.0, pytest.approx(1 / 11, abs=1e-4)),
        ("late", 1.0, pytest.approx(1 / 11, abs=1e-4)),
        (BETWEEN, 1.0, pytest.approx(1 / 11, abs=1e-4)),
    ]
    assert clock.document()["scopes"] == {"dev": 10.0, "prod": 1.0}


def test_what_is_short_is_told_together() -> None:
    clock = Clock()
    for number in range(40):
        clock.step("dev", f"s{number}", "File", "created", end=float(number + 1), seconds=1.0)
    clock.step("dev", "tiny", "File", "created", end=1.0, seconds=0.01)
    clock.scope("dev", 0.0, 40.0)
    lines = rows(clock.timings())
    assert len(lines) == 16
    assert lines[-1][3] == "(27 others together)"
    assert float(lines[-1][0]) == pytest.approx(25.01)


def test_up_prints_the_table_or_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folders and the supervisor: nothing that takes long."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blueprint.yaml").write_text(
        "schema_version: 1\nname: shop\nplatform: local\nlifecycle: delete\nenvironments: {dev: {}}\n"
        "stages: [foundation]\n"
    )
    try:
        assert run(["up", "--timings", "--json"]) == 0
        out, err = capsys.readouterr()
        found = json.loads(out)
        assert set(found["timings"]["scopes"]) == {"shop-shared", "shop-dev"}
        names = {step["name"] for step in found["timings"]["steps"]}
        assert {"foundation-data", "foundation-supervisor", BETWEEN} <= names
        assert found["exports"]["dev"]["foundation"]
        header = next(line for line in err.splitlines() if line.split()[:2] == ["seconds", "share"])
        assert header.split() == ["seconds", "share", "scope", "step", "type", "what"]
    finally:
        assert run(["destroy", "--yes"]) == 0
