"""Where text goes: results to stdout, everything about the work to stderr, so that results can be piped."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


@cache
def out() -> Console:
    """The console of results. Text is shown as it is: brackets are no markup."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


@cache
def err() -> Console:
    """The console of progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def result(text: str) -> None:
    """Print a line of the result, never wrapped."""
    out().print(text, soft_wrap=True)


def note(text: str, style: str | None = None) -> None:
    """Print a remark, never wrapped."""
    err().print(text, soft_wrap=True, style=style)


def wrote(lock: Path, then: str = "") -> None:
    """Print where a lock was written, whether it wants a commit, and what comes next."""
    from mlops_stacks.operations.version_control import belongs_into_a_commit

    commit = "; commit it" if belongs_into_a_commit(lock) else ""
    after = f"{', then' if commit else '; then'}: {then}" if then else ""
    note(f"wrote {lock}{commit}{after}")


def result_json(value: Any) -> None:
    """Print the result as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """Print a table with a heading, or a sentence where there is no row. No frame: it survives a pipe."""
    lines = [[str(cell) for cell in row] for row in rows]
    out().print(title, style="bold")
    if not lines:
        result(f"  {empty}")
        return
    for number, text in enumerate(aligned(columns, lines)):
        out().print(f"  {text}", style="dim" if number == 0 else None, soft_wrap=True)


def aligned(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Headings and lines with each column as wide as its widest cell."""
    widths = [max(len(line[i]) for line in (columns, *lines)) for i in range(len(columns))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (columns, *lines)
    ]
