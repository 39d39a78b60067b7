"""What a feature store holds, read from its files, and the pages that `open` has for stages without one."""

from __future__ import annotations

import json
import sqlite3
import threading
import urllib.request
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.cli import observing
from mlops_stacks.cli.main import run
from mlops_stacks.operations.opening import open_project
from mlops_stacks.operations.pages import NoPageError, page_here, pages_of
from mlops_stacks.operations.status_page import snapshot
from mlops_stacks.operations.status_server import StatusServer
from mlops_stacks.project import Project
from mlops_stacks.reports.features_page import render_features

BLUEPRINT = """\
schema_version: 1
name: my-shop
platform: local
environments: {dev: {}}
stages: [foundation, feature_store, experiment_tracking, model_registry, training_pipeline, serving, monitoring]
workload: {entry_point: shop.workload:workload, path: code}
models: {demand: {features: [visits.seen], pipeline: {}}, other: {pipeline: {}}}
feature_groups:
  visits:
    entity: shop
    event_time: known_at
    ttl_days: 3
    features: [{name: seen, type: integer, description: Visitors of the <b>hour</b>}, {name: share, type: float}]
  weather: {entity: town, event_time: at, online: false, features: [{name: rain, type: boolean}]}
"""
NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)


class Deployed:
    """An executor that knows one stack's outputs; the shared one has none."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self._outputs = outputs

    def outputs(self, stack: str) -> dict[str, Any]:
        return self._outputs if stack == "my-shop-dev" else {}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "blueprint.yaml").write_text(BLUEPRINT)
    return open_project(tmp_path / "blueprint.yaml", tmp_path)


def _store(folder: Path) -> dict[str, Any]:
    """The files of a store as `ingest` leaves them: history of two row groups, and online rows of one entity."""
    (folder / "history").mkdir()
    (folder / "repository").mkdir()
    times = pa.array([NOON.replace(hour=9), NOON, NOON.replace(hour=11)], pa.timestamp("us", "UTC"))
    table = pa.table({"shop": ["a", "a", "b"], "known_at": times, "seen": [1, 2, 3], "share": [0.1, 0.2, 0.3]})
    pq.write_table(table, folder / "history" / "visits.parquet", row_group_size=2)
    (folder / "repository" / "feature_store.yaml").write_text(json.dumps({"project": "my_shop_dev"}))
    _online(folder, NOON)
    store = {"history": str(folder / "history"), "online_store": str(folder / "repository" / "online_store.db")}
    return {"feature_store": store}


def _online(folder: Path, newest: datetime) -> None:
    """Feast's table, anew and in one step."""
    part = folder / "repository" / "part.db"
    with closing(sqlite3.connect(part)) as connection, connection:
        connection.execute(
            "CREATE TABLE my_shop_dev_visits (entity_key BLOB, feature_name TEXT, value BLOB, event_ts TIMESTAMP)"
        )
        for name in ("seen", "share"):
            connection.execute(
                "INSERT INTO my_shop_dev_visits VALUES (?, ?, ?, ?)", (b"a", name, b"", int(newest.timestamp()))
            )
    part.replace(folder / "repository" / "online_store.db")


def _shown(project: Project, outputs: dict[str, Any]) -> dict[str, dict[str, Any]]:
    document = snapshot(project, Deployed(outputs), None)  # type: ignore[arg-type]
    return {one["group"]: one for one in document["features"]}


def test_rows_times_and_freshness_are_read_from_the_files(project: Project, tmp_path: Path) -> None:
    outputs = _store(tmp_path)
    visits = _shown(project, outputs)["visits"]
    assert (visits["entity"], visits["keys"], visits["ttl_days"]) == ("shop", ["shop"], 3)
    assert [(one["name"], one["type"]) for one in visits["features"]] == [("seen", "integer"), ("share", "float")]
    assert (visits["rows"], visits["newest"]) == (3, "2026-03-01T12:00:00+00:00")
    assert (visits["online_entities"], visits["online_newest"]) == (1, "2026-03-01T12:00:00+00:00")
    assert (visits["freshness"], visits["problem"]) == ("up to date", "")
    _online(tmp_path, NOON.replace(hour=10))
    assert _shown(project, outputs)["visits"]["freshness"] == "behind the history"


def test_a_store_without_rows_and_one_that_is_damaged_are_said(project: Project, tmp_path: Path) -> None:
    outputs = _store(tmp_path)
    weather = _shown(project, outputs)["weather"]
    assert (weather["rows"], weather["newest"], weather["freshness"]) == (0, None, "not online")
    assert weather["problem"] == ""
    (tmp_path / "history" / "visits.parquet").write_bytes(b"half of it")
    (tmp_path / "repository" / "online_store.db").unlink()
    problem = _shown(project, outputs)["visits"]["problem"]
    assert "the history cannot be read: " in problem
    assert "the online store cannot be read: " in problem


def test_the_page_of_the_groups_is_served_and_linked(project: Project, tmp_path: Path) -> None:
    outputs = _store(tmp_path)
    executor: Any = Deployed(outputs)
    (link,) = [one for one in snapshot(project, executor, None)["links"] if one["stage"] == "feature_store"]
    assert (link["title"], link["page"]) == ("feature store: Feast in dev", "features")
    server = StatusServer(0, lambda: snapshot(project, executor, None), lambda _: "", {"features": render_features})
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        with urllib.request.urlopen(f"{server.url}{link['page']}", timeout=20) as answer:
            page = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert answer.headers.get_content_type() == "text/html"
    for words in ("visits in dev", "online: up to date", "3 rows", "1 entities", "seen", "float", "known_at"):
        assert words in page, words
    assert "<b>hour" not in page


def test_open_feature_store_opens_that_page(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executor: Any = Deployed({"feature_store": {"history": str(tmp_path), "online_store": str(tmp_path / "o.db")}})
    assert page_here(project, executor, Stage.FEATURE_STORE, "dev") == "features"
    assert page_here(project, executor, Stage.SERVING, "dev") is None
    monkeypatch.setattr(observing, "executor_for", lambda *_: executor)
    monkeypatch.setattr(StatusServer, "serve_forever", lambda _: None)
    opened: list[str] = []
    monkeypatch.setattr(observing, "_browse", opened.append)
    assert run(["--blueprint", str(project.file), "open", "feature_store"]) == 0
    (address,) = opened
    assert address.startswith("http://127.0.0.1:")
    assert address.endswith("/features")


def test_open_monitoring_opens_the_last_report_of_each_model(project: Project, tmp_path: Path) -> None:
    folders = {name: str(tmp_path / "reports" / name) for name in ("demand", "new", "other")}
    executor: Any = Deployed({"monitoring": {"reports": folders}})
    with pytest.raises(NoPageError, match="links the reports once there are any"):
        pages_of(project, executor, Stage.MONITORING, "dev")
    for model, name in (("demand", "v1-2026-03-01"), ("demand", "v1-2026-03-08"), ("other", "v1-2026-03-01")):
        report = Path(folders[model]) / "reports" / name
        report.mkdir(parents=True)
        until = f"{name[3:]}T00:00:00+00:00"
        (report / "summary.json").write_text(json.dumps({"report": name, "until": until, "rows": 1}))
        (report / "report.html").write_text("drift")
    found = pages_of(project, executor, Stage.MONITORING, "dev")
    assert [name for name, _ in found] == ["demand in dev", "other in dev"]
    assert found[0][1] == (Path(folders["demand"]) / "reports" / "v1-2026-03-08" / "report.html").as_uri()
