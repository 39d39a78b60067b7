"""Texts that must not change unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def check_golden(name: str, text: str) -> None:
    """Compare with a golden file, or write it where MLOPS_STACKS_GOLDEN is `rewrite` (`python3 run.py golden`)."""
    file = GOLDEN / name
    if os.environ.get("MLOPS_STACKS_GOLDEN") == "rewrite":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{name} is not there yet; write it with `python3 run.py golden`"
    assert text == file.read_text(encoding="utf-8"), f"{name} differs; if that is meant: `python3 run.py golden`"
