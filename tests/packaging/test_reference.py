"""The reference page is what the code says."""

from __future__ import annotations

import os
import re

import pytest
from reference_parts import REFERENCE, reference


@pytest.mark.golden
def test_the_reference_is_current() -> None:
    if os.environ.get("MLOPS_STACKS_GOLDEN") == "rewrite":
        REFERENCE.write_text(reference(), encoding="utf-8")
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "write it anew with `python3 run.py golden`"


def test_every_field_of_the_reference_is_explained_or_named_by_its_type() -> None:
    headings = {line.removeprefix("### ").lower() for line in reference().splitlines() if line.startswith("### ")}
    links = set(re.findall(r"\]\(#([a-z]+)\)", reference()))
    assert links
    assert links <= headings
