"""A month of real flights, each asked about over HTTP: exactly as many captured predictions as requests."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from monitoring_flights import MODEL, WORKLOAD, flight_rows
from runtime_helpers import started, write_document
from waiting import eventually

from mlops_stacks.runtime.monitoring.captured import read_captured

CONNECTIONS = 4


def _server(trained: Path, folder: Path, port: int) -> dict[str, Any]:
    return {
        "blueprint": "flights", "environment": "dev", "model": MODEL, "version": "1",
        "model_uri": str(trained / "runs" / "first" / "model"),
        "tracking_uri": None, "registry_uri": None, "workload": WORKLOAD,
        "host": "127.0.0.1", "port": port, "workers": 1,
        "capture": {"uri": folder.as_uri(), "sample_percent": 100.0},
    }  # fmt: skip


def _is_up(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _ask(port: int, bodies: list[bytes]) -> list[str]:
    """One connection that asks about one flight after the other; returns the requests' ids."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found = []
    for body in bodies:
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 200, content
        assert 0 <= content["predictions"][0] <= 1
        found.append(content["request_id"])
    connection.close()
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_month_is_captured_request_by_request(trained: Path, tmp_path: Path) -> None:
    from flight_delay.workload import workload

    names = [column.name for column in workload.inputs]
    rows = flight_rows("2013-01-01", "2013-01-31")[names]
    flights = rows.astype(object).where(rows.notna(), None).to_dict(orient="records")
    assert len(flights) == 27_004
    bodies = [json.dumps({"instances": [flight]}).encode() for flight in flights]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = write_document(tmp_path / "server.json", _server(trained, tmp_path / "capture", port))
    began = datetime.now(UTC)
    server = started("serve", "--settings", settings)
    try:
        eventually(lambda: _is_up(port), seconds=120)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            parts = [bodies[start::CONNECTIONS] for start in range(CONNECTIONS)]
            answered = [one for part in pool.map(lambda part: _ask(port, part), parts) for one in part]
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) in (0, -signal.SIGTERM)
    finally:
        server.kill()
        server.communicate()
    ended = datetime.now(UTC) + timedelta(seconds=1)
    captured = read_captured((tmp_path / "capture" / MODEL).as_uri(), "1", began - timedelta(seconds=1), ended)
    assert captured.broken_lines == 0
    assert len(captured.records) == len(answered) == len(flights)
    assert {record["request_id"] for record in captured.records} == set(answered)
    kept = captured.rows(workload.inputs)
    assert kept["dest"].value_counts().to_dict() == rows["dest"].value_counts().to_dict()
    assert int(kept["temp"].isna().sum()) == int(rows["temp"].isna().sum())
