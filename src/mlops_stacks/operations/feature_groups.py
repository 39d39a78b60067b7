"""What a feature store on this machine holds, for people. Feast is not imported: it takes seconds and 80 MB.

Rows and times of the history come from the footer of its Parquet files, those of the online store from Feast's own
SQLite table. An answer is kept until its file is another one, so a page that is looked at costs a few file names.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mlops_components.spec.feature import FeatureGroup, is_online, key_columns
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.project import Project

_CONFIGURATION = "feature_store.yaml"
_BUSY_SECONDS = 1.0
_KEPT = 256
"""Answers; one for each group and store."""


class Facts(NamedTuple):
    """How many rows, or entities, there are, and the newest event time among them."""

    how_many: int = 0
    newest: datetime | None = None


def feature_groups(project: Project, scope: str, exported: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each feature group of a scope, with what is there of it; none where its store is not on this machine."""
    store = local_store(project, scope, exported)
    if store is None:
        return []
    groups: Mapping[str, FeatureGroup] = project.blueprint.scope(scope).settings.feature_groups
    return [{"environment": scope, "group": name, **_group(store, name, groups[name])} for name in sorted(groups)]


def local_store(project: Project, scope: str, exported: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The contract of a scope's feature store, where it is deployed and on this machine."""
    options = project.blueprint.scope(scope).settings.stages.feature_store
    store: Mapping[str, Any] = exported.get(Stage.FEATURE_STORE.value) or {}
    return store if options is not None and options.platform is Platform.LOCAL and store.get("history") else None


def _group(store: Mapping[str, Any], name: str, definition: FeatureGroup) -> dict[str, Any]:
    """A group's definition, and what history and online store have of it."""
    file, online_file = Path(str(store["history"])) / f"{name}.parquet", Path(str(store["online_store"]))
    problems: list[str] = []
    history = online = Facts()
    try:
        history = history_facts(file, definition["event_time"])
    except (OSError, ImportError, ValueError) as error:
        problems.append(f"the history cannot be read: {error}")
    if is_online(definition):
        try:
            online = online_facts(online_file, name)
        except (OSError, sqlite3.Error, ValueError) as error:
            problems.append(f"the online store cannot be read: {error}")
    return {
        "entity": definition["entity"],
        "keys": key_columns(definition),
        "event_time": definition["event_time"],
        "ttl_days": definition.get("ttl_days"),
        "features": [
            {"name": one["name"], "type": str(one["type"]), "description": one.get("description") or ""}
            for one in definition["features"]
        ],
        "history": str(file),
        "online_store": str(online_file) if is_online(definition) else None,
        "rows": history.how_many,
        "newest": _text(history.newest),
        "online_entities": online.how_many,
        "online_newest": _text(online.newest),
        "freshness": _freshness(is_online(definition), history.newest, online.newest),
        "problem": "; ".join(problems),
    }


def _freshness(wanted: bool, history: datetime | None, online: datetime | None) -> str:
    """How the online rows stand to the history. Feast keeps whole seconds of an online row's time."""
    if not wanted:
        return "not online"
    if online is None:
        return "empty"
    return "behind the history" if history is not None and online < history.replace(microsecond=0) else "up to date"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def history_facts(file: Path, event_time: str) -> Facts:
    """Rows of a history; none where there is no file yet."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return Facts()
    return _history_facts(str(file), event_time, (status.st_ino, status.st_mtime_ns, status.st_size))


@lru_cache(_KEPT)
def _history_facts(file: str, event_time: str, _identity: tuple[int, ...]) -> Facts:
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_metadata(file)
    return Facts(metadata.num_rows, max(_newest(metadata, event_time), default=None))


def _newest(metadata: Any, column: str) -> Iterator[datetime]:
    """The largest time of each row group that says one."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for at in range(group.num_columns):
            found = group.column(at)
            if found.path_in_schema == column and found.statistics is not None and found.statistics.has_min_max:
                latest: datetime = found.statistics.max
                yield latest if latest.tzinfo else latest.replace(tzinfo=UTC)


def online_facts(file: Path, group: str) -> Facts:
    """Entities that have an online row."""
    status = file.stat()
    project = json.loads(file.with_name(_CONFIGURATION).read_text(encoding="utf-8"))["project"]
    return _online_facts(str(file), f"{project}_{group}", (status.st_ino, status.st_mtime_ns, status.st_size))


@lru_cache(_KEPT)
def _online_facts(file: str, table: str, _identity: tuple[int, ...]) -> Facts:
    quoted = table.replace('"', '""')
    statement = f'SELECT COUNT(DISTINCT entity_key), MAX(event_ts) FROM "{quoted}"'  # noqa: S608 - a name, quoted
    with closing(sqlite3.connect(f"{Path(file).as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as connection:
        entities, newest = connection.execute(statement).fetchone()
    return Facts(entities, None if newest is None else datetime.fromtimestamp(newest, UTC))
