"""The server of the status page: for this machine, for reading, and with no token in it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlops_stacks.operations import status_page
from mlops_stacks.operations.status_server import StatusServer
from mlops_stacks.operations.watching import watched_models
from mlops_stacks.reports.status_page import render_status

BLUEPRINT = """
schema_version: 1
name: tiny
platform: local
environments: {dev: {}}
stages: [foundation, experiment_tracking]
"""


class Asked:
    """Counts how often the platform was looked at."""

    def __init__(self) -> None:
        self.times = 0
        self.problem: Exception | None = None
        self.more: dict[str, Any] = {}

    def __call__(self) -> dict[str, Any]:
        self.times += 1
        if self.problem:
            raise self.problem
        time.sleep(0.05)
        return {"blueprint": "tiny", "stages": [], **self.more}


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def server(asked: Asked) -> Iterator[StatusServer]:
    made = StatusServer(0, asked, lambda found: render_status(found, live=True))
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def ask(
    server: StatusServer, path: str = "/", method: str = "GET", **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), answer.headers
    connection.close()
    return found


def test_it_serves_the_page_and_its_document_to_this_machine_alone(server: StatusServer) -> None:
    status, page, headers = ask(server)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<title>tiny: status</title>" in page
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers
    assert json.loads(ask(server, "/status.json?x=1")[1])["blueprint"] == "tiny"
    assert server.server_address[0] == "127.0.0.1"
    assert ask(server, "/../etc/passwd")[0] == 404
    assert ask(server, method="HEAD")[:2] == (200, "")


def test_a_drift_report_is_served_apart_from_everything_else(
    server: StatusServer, asked: Asked, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text("<p>drift</p>")
    watched = {"environment": "dev", "model": "delay", "page": str(tmp_path / "report.html")}
    asked.more = {"monitoring": [watched, {**watched, "model": "other", "page": None}]}
    status, text, headers = ask(server, "/reports/dev/delay")
    assert (status, text) == (200, "<p>drift</p>")
    assert headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none';")
    for path in ("dev/other", "prod/delay", "../report.html", f"{tmp_path}/report.html"):
        assert ask(server, f"/reports/{path}")[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}", ""]
)
def test_a_foreign_name_that_points_here_is_refused(server: StatusServer, asked: Asked, host: str) -> None:
    assert ask(server, Host=host.format(port=server.server_port))[0] == 421
    assert asked.times == 0


def test_localhost_is_this_machine_too(server: StatusServer) -> None:
    assert ask(server, Host=f"LocalHost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_but_reading_is_answered(server: StatusServer, asked: Asked, method: str) -> None:
    status, _, headers = ask(server, "/status.json", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert asked.times == 0


def test_readers_at_once_share_one_look(server: StatusServer, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_stacks.operations.status_server._FRESH_SECONDS", 60.0)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: ask(server, "/status.json")[0], range(16)))
    assert statuses == [200] * 16
    assert asked.times == 1


def test_a_state_that_cannot_be_read_is_said_and_does_not_end_it(server: StatusServer, asked: Asked) -> None:
    asked.problem = ValueError("the state file is torn")
    status, text, _ = ask(server, "/status.json")
    assert (status, json.loads(text)) == (500, {"problem": "the state cannot be read: the state file is torn"})
    asked.problem = None
    assert ask(server)[0] == 200


def test_a_taken_port_is_an_error_of_the_operating_system(server: StatusServer) -> None:
    with pytest.raises(OSError, match="in use"):
        StatusServer(server.server_port, dict, lambda _: "")


def test_a_token_in_an_address_stays_out_of_the_page() -> None:
    without = status_page._without_token
    assert without("http://127.0.0.1:8888/lab?token=abc&x=1#top") == "http://127.0.0.1:8888/lab?x=1#top"
    assert without("http://127.0.0.1:8888/lab?TOKEN=abc") == "http://127.0.0.1:8888/lab"
    assert without("http://127.0.0.1:5000/#/models") == "http://127.0.0.1:5000/#/models"


def command(folder: Path, *arguments: str) -> list[str]:
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    blueprint = str(folder / "blueprint.yaml")
    return [sys.executable, "-m", "mlops_stacks.cli.main", "--blueprint", blueprint, "open", "--no-browser", *arguments]


def test_open_serves_the_status_until_it_is_interrupted(tmp_path: Path) -> None:
    with subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.fullmatch(r"status: http://127\.0\.0\.1:(\d+)/\n", process.stdout.readline())
            assert found
            connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
            connection.request("GET", "/status.json")
            document = json.loads(connection.getresponse().read())
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert document["links"] == []
    assert {stage["deployed"] for stage in document["stages"]} == {False}
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", int(found[1])))


def test_open_writes_a_picture_of_one_moment(tmp_path: Path) -> None:
    file = tmp_path / "pages" / "status.html"
    subprocess.run(command(tmp_path, "--output", str(file)), check=True, capture_output=True, timeout=60)
    assert "a picture of one moment" in file.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("serving", "--output", "x"), 2, "leave out the stage"),
        (("servin",), 2, "did you mean `serving`?"),
        (("--environment", "prod"), 2, "no environment `prod`"),
    ],
)
def test_what_open_cannot_do_is_said(tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    done = subprocess.run(command(tmp_path, *arguments), capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert sentence in done.stderr


def test_open_says_that_a_port_is_taken(tmp_path: Path, server: StatusServer) -> None:
    done = subprocess.run(
        command(tmp_path, "--port", str(server.server_port)), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "choose another with --port" in done.stderr


def test_what_monitoring_wrote_down_is_read_from_its_folder(tmp_path: Path) -> None:
    watched = SimpleNamespace(settings=SimpleNamespace(stages=SimpleNamespace(monitoring=object())))
    blueprint = SimpleNamespace(stack=lambda scope: f"tiny-{scope}", scope=lambda _: watched)
    project: Any = SimpleNamespace(blueprint=blueprint)
    report = tmp_path / "delay" / "reports" / "r1"
    report.mkdir(parents=True)
    features = {"hour": {"score": 0.2, "threshold": 0.1}, "carrier": {"score": 0.3, "threshold": 0.3}}
    summary = {"report": "r1", "until": "2026-03-01T00:00:00+00:00", "rows": 500}
    drift = {"bad": True, "reason": "1 feature", "features": features}
    (report / "summary.json").write_text(json.dumps({**summary, "drift": drift, "quality": {"reason": "as good"}}))
    exported = {"monitoring": {"reports": {"delay": str(tmp_path / "delay"), "new": str(tmp_path / "new")}}}
    first, second = watched_models(project, {"shared": None, "dev": exported}) or []
    assert (first["environment"], first["model"], first["drift"], first["rows"]) == ("dev", "delay", "drift", 500)
    assert [feature["name"] for feature in first["features"]] == ["hour", "carrier"]
    assert (second["model"], second["drift"], second["alarms"]) == ("new", "no report yet", [])
    assert watched_models(project, {"dev": None}) == []
    assert watched_models(project, {"shared": exported}) is None
