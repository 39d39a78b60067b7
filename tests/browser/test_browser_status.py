"""The status page in a real browser: it shows what is there, keeps itself up to date, and asks only its own server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browser_scripts import CONTRAST, REQUESTS
from waiting import eventually

from mlops_stacks.operations.status_server import StatusServer
from mlops_stacks.operations.watching import watched_model
from mlops_stacks.reports import status_page
from mlops_stacks.reports.features_page import render_features
from mlops_stacks.runtime.monitoring.status import ModelStatus

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.slow]

DRIFTED = ModelStatus(
    model="delay",
    first_seen="2026-02-01T00:00:00+00:00",
    last_report={
        "until": "2026-03-01T10:00:00+00:00",
        "rows": 900,
        "drift": {
            "bad": True,
            "reason": "2 features have drifted: hour, carrier",
            "features": {"carrier": {"score": 0.31, "threshold": 0.25}, "hour": {"score": 0.9, "threshold": 0.1}},
        },
        "quality": {"bad": None, "reason": "3 labels are too few to tell", "metrics": {}},
    },
    last_page="report.html",
    alarms=[
        {
            "name": "drift-1",
            "kind": "drift",
            "state": "raised",
            "reason": "moved",
            "raised": "2026-03-01T10:00:00+00:00",
        }
        | {"resolved": None, "acknowledged_by": None, "version": "2"}
    ],
    retrainings={"drift-1": {"run_id": "run-7"}},
    server={"reachable": True, "latency_p99_ms": 12.0, "error_rate_percent": 0.0},
)
GROUP = {
    "environment": "dev",
    "group": "route_delays",
    "entity": "route",
    "keys": ["origin", "dest"],
    "event_time": "known_at",
    "ttl_days": None,
    "features": [{"name": "late_share_7d", "type": "float", "description": "Share of late flights"}],
    "history": "/home/kim/history/route_delays.parquet",
    "online_store": "/home/kim/repository/online_store.db",
    "rows": 78_000,
    "newest": "2026-03-01T10:00:00+00:00",
    "online_entities": 312,
    "online_newest": "2026-03-01T09:00:00+00:00",
    "freshness": "behind the history",
    "problem": "",
}
FEATURES_LINK = {"stage": "feature_store", "title": "feature store: Feast in dev", "url": "", "page": "features"}
PAGES = {"features": render_features}
EVIL = "<img src=x onerror=alert(1)></script>"


def document() -> dict[str, Any]:
    """A platform with one of everything."""
    return {
        "blueprint": "flights",
        "file": "blueprint.yaml",
        "time": "2026-03-01T10:00:00.000+00:00",
        "links": [
            {"stage": "experiment_tracking", "title": "experiment tracking", "url": "http://127.0.0.1:5000"},
            {**FEATURES_LINK, "path": "/home/kim/history"},
        ],
        "features": [GROUP],
        "stages": [
            {"scope": "dev", "stage": "serving", "engine": "local", "platform": "local", "deployed": True},
        ],
        "processes": [
            {
                "scope": "shared",
                "stage": "experiment_tracking",
                "name": "mlflow",
                "state": "running",
                "pids": [7],
                "log": "x",
            }
        ],
        "endpoints": [
            {"environment": "dev", "model": "delay", "version": 2, "address": "http://127.0.0.1:1", "ready": True}
        ],
        "models": [
            {
                "model": "delay",
                "problem": None,
                "releases": {"dev": 2},
                "versions": [
                    {
                        "number": 2,
                        "approval": "approved",
                        "approved_by": "kim",
                        "rejected_because": "",
                        "metrics": {"auc": 0.7},
                    }
                    | {"created": "2026-03-01T09:00:00+00:00", "stage": "", "lineage": {}}
                ],
            }
        ],
        "runs": [
            {
                "environment": "dev",
                "run_id": "r1",
                "pipeline": "delay",
                "state": "succeeded",
                "trigger": "manual",
                "error": None,
            }
            | {"started": "2026-03-01T08:00:00+00:00", "ended": "2026-03-01T08:00:13+00:00", "result": {"version": 2}}
        ],
        "monitoring": None,
        "packages": [
            {"number": 3, "outcome": "package", "commit": "5f0c" * 10, "made": "2026-03-01T07:00:00+00:00"}
            | {"tests": "2", "remark": "dev"}
        ],
    }


@pytest.fixture
def current() -> dict[str, Any]:
    """What the server says; tests change it."""
    return document()


@pytest.fixture
def server(browser: Chrome, current: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[StatusServer]:
    """A status server whose page asks five times a second."""
    monkeypatch.setattr(status_page, "REFRESH_SECONDS", 0.2)
    monkeypatch.setattr("mlops_stacks.operations.status_server._FRESH_SECONDS", 0.0)
    made = StatusServer(0, lambda: current, lambda found: status_page.render_status(found, live=True), PAGES)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    browser.get("about:blank")  # a page that asks a server which is gone is complained about
    made.shutdown()
    made.server_close()
    thread.join()


def text(browser: Chrome) -> str:
    return browser.find_element("css selector", "body").text


def test_everything_is_shown_and_only_its_own_server_is_asked(browser: Chrome, server: StatusServer) -> None:
    browser.get(server.url)
    shown = text(browser)
    for words in (
        "everything works",
        "mlflow",
        "127.0.0.1:5000",
        "approved",
        "kim",
        "auc 0.7000",
        "13.0 s",
        "version 2",
    ):
        assert words in shown
    assert "no stage monitoring" in shown
    eventually(lambda: bool(browser.execute_script(REQUESTS)))
    assert set(browser.execute_script(REQUESTS)) == {f"{server.url}status.json"}


def test_it_keeps_itself_up_to_date_and_leaves_the_focus_alone(
    browser: Chrome, server: StatusServer, current: dict[str, Any]
) -> None:
    browser.get(server.url)
    browser.find_element("css selector", ".links a").send_keys("")
    browser.execute_script("document.querySelector('.links a').focus()")
    current["processes"][0]["state"] = "stopped"
    eventually(lambda: "1 not working" in text(browser))
    assert browser.switch_to.active_element.get_attribute("href") == "http://127.0.0.1:5000/"


def test_drift_and_alarms_are_shown_where_there_is_monitoring(
    browser: Chrome, server: StatusServer, current: dict[str, Any]
) -> None:
    current["monitoring"] = [{"environment": "dev", **watched_model(DRIFTED)}]
    browser.get(server.url)
    shown = text(browser)
    for words in (
        "1 open alarm",
        "0.310 of 0.250",
        "2 features have drifted",
        "started run-7",
        "900 requests",
        "12.0 ms",
    ):
        assert words in shown
    assert shown.index("hour") < shown.index("carrier")
    report = browser.find_element("link text", "The whole report").get_attribute("href")
    assert report == f"{server.url}reports/dev/delay"
    current["monitoring"] = [{"environment": "dev", **watched_model(ModelStatus("delay", None, None, None))}]
    eventually(lambda: "no report yet" in text(browser) and "everything works" in text(browser))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_feature_groups_are_a_click_away(
    browser: Chrome, server: StatusServer, current: dict[str, Any], resized: Callable[..., None], theme: str
) -> None:
    resized(1200, 900, theme)
    evil = {**GROUP, "group": "evil", "problem": f"it cannot be read: {EVIL}", "keys": [EVIL]}
    current["features"] = [GROUP, evil]
    browser.get(server.url)
    browser.find_element("partial link text", "feature store: Feast in dev").click()
    assert browser.current_url == f"{server.url}features"
    shown = text(browser)
    for words in ("route_delays in dev", "origin, dest", "78,000 rows", "312 entities", "online: behind the history"):
        assert words in shown
    assert "late_share_7d float Share of late flights" in shown
    assert "2026-03-01T09:00:00+00:00" in shown
    assert f"it cannot be read: {EVIL}" in shown
    assert browser.find_elements("css selector", "img") == []
    assert browser.execute_script(CONTRAST) == []
    assert browser.execute_script(REQUESTS) == []
    browser.find_element("link text", "Status").click()
    assert browser.current_url == server.url


def test_a_server_that_has_ended_or_cannot_read_the_state_is_told_of(
    browser: Chrome, server: StatusServer, current: dict[str, Any]
) -> None:
    browser.get(server.url)
    del current["blueprint"]
    server._ask = lambda: 1 / 0  # type: ignore[assignment,return-value]
    eventually(lambda: "cannot be read: division by zero" in text(browser))
    assert "mlflow" in text(browser)
    server.shutdown()
    server.server_close()
    eventually(lambda: "what you see is old" in text(browser))
    browser.get("about:blank")
    browser.get_log("browser")  # the browser itself writes down each request that was not answered


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_snapshot_asks_nobody_and_can_be_read(
    show: Callable[[str], Chrome], resized: Callable[..., None], theme: str
) -> None:
    resized(1400, 900, theme)
    found = document()
    found["processes"][0] |= {"state": "not answering", "name": EVIL}
    found["runs"][0] |= {"state": "failed", "error": EVIL}
    found["links"].append({"stage": "serving", "title": "evil", "url": "javascript:alert(1)"})
    browser = show(status_page.render_status(found, live=False))
    assert EVIL in text(browser)
    assert browser.find_elements("css selector", "img, a[href^=javascript], a[href=features]") == []
    assert "/home/kim/history" in text(browser)
    assert browser.execute_script(REQUESTS) == []
    assert browser.execute_script(CONTRAST) == []


def test_a_platform_that_is_not_there_yet_says_what_to_do(show: Callable[[str], Chrome]) -> None:
    empty = {key: [] if isinstance(value, list) else value for key, value in document().items()}
    stage = {"scope": "dev", "stage": "serving", "engine": "local", "platform": "local", "deployed": False}
    browser = show(status_page.render_status({**empty, "stages": [stage]}, live=False))
    assert "not deployed" in text(browser)
    assert "start one with mlops-stacks run" in text(browser)
