"""The status of a platform as one page: live, when it is served, or a picture of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_stacks.reports.page import render_page

REFRESH_SECONDS = 5


def render_status(document: Mapping[str, Any], *, live: bool) -> str:
    """Write the page of a status document (`operations.status_page.snapshot`).

    A live page asks `status.json` beside it again every `REFRESH_SECONDS`; the other one asks nobody.
    """
    return render_page(
        "status.html.j2",
        styles=("base.css", "status.css"),
        scripts=("theme.js", "status.js"),
        data={"live": live, "seconds": REFRESH_SECONDS, "status": document},
        values={"blueprint": document["blueprint"], "live": live},
        connect="'self'" if live else "'none'",
    )
