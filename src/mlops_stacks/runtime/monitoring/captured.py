"""Reads what the server captured, and the labels that arrived later.

Labels are JSON lines in any `*.jsonl` file of the labels folder, added by whoever learns the truth:

    {"request_id": "7c3…", "row": 0, "label": 1}
    {"key": {"carrier": "UA", "flight": 15}, "label": 0}

The first names a captured row; `row` is its number in the request, 0 where it is left out. The second labels every
captured row whose inputs have these values. Of two labels for one row the later line counts, files taken by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.folder import file_system
from mlops_stacks.runtime.workload import Column

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Captured:
    """The captured rows of a window."""

    records: list[dict[str, Any]] = field(default_factory=list)
    broken_lines: int = 0
    """Lines that are no record: a line that a full disk or a power cut left half."""

    def rows(self, columns: Sequence[Column]) -> pd.DataFrame:
        """The inputs, each in its kind, with the columns `prediction`, `request_id` and `row`; the captured order."""
        import pandas as pd

        inputs = [record["inputs"] for record in self.records]
        table = pd.DataFrame({c.name: pd.Series([i.get(c.name) for i in inputs], dtype=object) for c in columns})
        for column in columns:
            if column.kind in ("float", "integer"):
                table[column.name] = pd.to_numeric(table[column.name], errors="coerce")
        for name in ("prediction", "request_id", "row"):
            table[name] = [record[name] for record in self.records]
        return table


def read_captured(uri: str, version: str, since: datetime, until: datetime) -> Captured:
    """What `version` answered from `since` to before `until` (both aware)."""
    captured = Captured()
    for record in _records(uri, since, until, captured):
        if record["version"] == version and since <= datetime.fromisoformat(record["time"]) < until:
            captured.records.append(record)
    captured.records.sort(key=lambda record: str(record["time"]))
    return captured


def _records(uri: str, since: datetime, until: datetime, captured: Captured) -> Iterator[dict[str, Any]]:
    """All records of the files that may hold some of the window: a file is named after the day of its last write."""
    first = f"{since.astimezone(UTC):%Y-%m-%d}"
    last = f"{until.astimezone(UTC) + timedelta(days=1):%Y-%m-%d}"
    for line in _lines(uri, lambda name: first <= name[:10] <= last):
        try:
            record = json.loads(line)
            datetime.fromisoformat(record["time"])
        except (ValueError, KeyError, TypeError):
            captured.broken_lines += 1
            continue
        yield record


def _lines(uri: str, wanted: Callable[[str], bool] = lambda _name: True) -> Iterator[str]:
    """Every line of the JSON-lines files of a folder whose name is wanted, by name; none where there is no folder."""
    fs, folder = file_system(uri)
    if not fs.exists(folder):
        return
    for path in sorted(str(path) for path in fs.ls(folder, detail=False)):
        if path.endswith(".jsonl") and wanted(path.rsplit("/", 1)[-1]):
            with fs.open(path, "rt", encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.strip():
                        yield line


def labels_of(uri: str, rows: pd.DataFrame) -> dict[int, Any]:
    """Position in `rows` -> label, for the rows whose label has arrived. Lines that are no label are passed over."""
    by_request = {(str(r), int(n)): at for at, (r, n) in enumerate(zip(rows["request_id"], rows["row"], strict=True))}
    found: dict[int, Any] = {}
    for line in _lines(uri):
        try:
            said = json.loads(line)
            label = said["label"]
        except (ValueError, KeyError, TypeError):
            continue
        if "request_id" in said:
            at = by_request.get((str(said["request_id"]), int(said.get("row") or 0)))
            if at is not None:
                found[at] = label
        elif isinstance(said.get("key"), dict) and said["key"] and set(said["key"]) <= set(rows.columns):
            found.update(dict.fromkeys(_matching(rows, said["key"]), label))
    return found


def _matching(rows: pd.DataFrame, key: dict[str, Any]) -> list[int]:
    import numpy as np

    mask = np.ones(len(rows), dtype=bool)
    for name, value in key.items():
        mask &= (rows[name] == value).to_numpy()
    return [int(at) for at in np.flatnonzero(mask)]
