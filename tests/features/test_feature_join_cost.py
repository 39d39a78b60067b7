"""The join of a quarter's flights, in a process of its own: at most 10 seconds and 1 GB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "features.py"


@pytest.mark.slow
def test_78_000_rows_are_joined_in_10_seconds_and_1_gb() -> None:
    done = subprocess.run([sys.executable, str(BENCHMARK)], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"] == 78_000
    assert found["right"]
    # On a machine that others use too the clock measures them as well; the processor's time is ours. Importing Feast is
    # not joining: it happens once in a process, and takes as long as the machine's disk does.
    assert min(found["join"]["seconds"], found["join"]["processor_seconds"]) <= 10, found
    assert found["join"]["largest_memory_mb"] <= 1000, found
