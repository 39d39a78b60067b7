"""benchmarks/README.md says what every file there is for, and how to run every section."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_every_file_and_every_section_is_described() -> None:
    text = (BENCHMARKS / "README.md").read_text()
    scripts = {path.name for path in BENCHMARKS.glob("*.py")}
    assert {name for name in scripts if name not in text} == set()
    assert {path.name for path in BENCHMARKS.glob("RESULTS-*.md") if path.name not in text} == set()
    shown = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run_all.py"), "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "500"},
    )
    listed = re.search(r"^ +SECTION +(.*); default", shown.stdout, re.MULTILINE)
    assert listed is not None, shown
    sections = set(listed[1].split(", "))
    assert {"start", "plan", "local", "whole_platform", "features", "serving"} <= sections
    assert {name for name in sections if f"| `{name}` |" not in text} == set()
