"""The feature groups of a platform as one page: what they mean, how much history there is, how fresh the rest is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_stacks.reports.page import render_page


def render_features(document: Mapping[str, Any]) -> str:
    """Write the page of the `features` of a status document (`operations.status_page.snapshot`). It asks nobody."""
    return render_page(
        "features.html.j2",
        styles=("base.css", "status.css"),
        scripts=("theme.js", "features.js"),
        data={},
        values={"blueprint": document["blueprint"], "groups": document.get("features") or [], "time": document["time"]},
    )
