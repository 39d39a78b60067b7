"""The server: both protocols, errors that name the column, metrics, capture; in process and as a process."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from runtime_helpers import HERE, started, write_document
from waiting import eventually

ROW = {"size": 0.75, "count": 3, "colour": "red", "new": True}


def server_settings_document(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "blueprint": "demo",
        "environment": "dev",
        "model": "things",
        "version": "1",
        "model_uri": str(folder / "runs" / "first" / "model"),
        "tracking_uri": None,
        "registry_uri": None,
        "workload": {"entry_point": "tiny_workload:workload", "path": str(HERE)},
        "host": "127.0.0.1",
        "port": 0,
        "workers": 1,
        "capture": None,
        **changes,
    }


@contextmanager
def client_of(tracked_run: dict[str, Any], **changes: Any) -> Iterator[TestClient]:
    from mlops_stacks.runtime.serving.app import make_app
    from mlops_stacks.runtime.serving.service import load_service

    settings: Any = server_settings_document(tracked_run["folder"], **changes)
    with TestClient(make_app(load_service(settings)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def client(tracked_run: dict[str, Any]) -> Iterator[TestClient]:
    with client_of(tracked_run) as made:
        yield made


def tensors(**changes: Any) -> dict[str, Any]:
    columns = {
        "size": ("FP64", [0.75, 0.25]),
        "count": ("INT64", [3, 4]),
        "colour": ("BYTES", ["red", "blue"]),
        "new": ("BOOL", [True, False]),
        **changes,
    }
    inputs = [{"name": n, "datatype": c[0], "shape": [len(c[1])], "data": c[1]} for n, c in columns.items() if c]
    return {"id": "mine", "inputs": inputs}


def test_plain_json(client: TestClient) -> None:
    answer = client.post("/predict", json={"instances": [ROW, {**ROW, "size": 0.25}]})
    assert answer.status_code == 200
    body = answer.json()
    assert body["predictions"] == pytest.approx([0.74, 0.24])
    assert (body["model"], body["version"], body["prediction"]) == ("things", "1", "probability_big")


def test_nullable_columns_may_be_missing_or_null(client: TestClient) -> None:
    without = {name: value for name, value in ROW.items() if name != "size"}
    answer = client.post("/predict", json={"instances": [without, {**ROW, "size": None}, {**ROW, "size": 1}]})
    assert answer.json()["predictions"] == pytest.approx([0.49, 0.49, 0.99])


@pytest.mark.parametrize("path", ["/v2/models/things/infer", "/v2/models/things/versions/1/infer"])
def test_open_inference_protocol(client: TestClient, path: str) -> None:
    body = client.post(path, json=tensors()).json()
    assert (body["model_name"], body["model_version"], body["id"]) == ("things", "1", "mine")
    (output,) = body["outputs"]
    assert output["data"] == pytest.approx([0.74, 0.24])
    assert (output["name"], output["datatype"], output["shape"]) == ("probability_big", "FP64", [2])


def test_column_vectors_and_other_widths(client: TestClient) -> None:
    body = tensors(size=("FP32", [[0.75], [0.25]]), count=("UINT8", [3, 4]))
    body["inputs"][0]["shape"] = [2, 1]
    assert client.post("/v2/models/things/infer", json=body).json()["outputs"][0]["shape"] == [2]


def test_health_and_metadata(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json()["ready"] is True
    assert client.get("/v2").json()["name"] == "mlops-stacks"
    assert client.get("/v2/models/things/ready").json() == {"name": "things", "ready": True}
    assert client.get("/v2/models/things/versions/1/ready").status_code == 200
    described = client.get("/v2/models/things").json()
    assert [(i["name"], i["datatype"]) for i in described["inputs"]] == [
        ("size", "FP64"),
        ("count", "INT64"),
        ("colour", "BYTES"),
        ("new", "BOOL"),
    ]
    assert described["outputs"] == [{"name": "probability_big", "datatype": "FP64", "shape": [-1]}]
    assert client.get("/v2/models/things/versions/1").json() == described


def test_openapi_page_shows_a_real_row(client: TestClient) -> None:
    assert client.get("/docs").status_code == 200
    schema = client.get("/openapi.json").json()
    example = schema["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/predict", json=example).status_code == 200


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v2/models/other", "no model `other`: it serves `things` version 1"),
        ("/v2/models/things/versions/2/ready", "no model `things` version 2"),
        ("/nowhere", "Not Found"),
    ],
)
def test_what_is_not_there_is_404(client: TestClient, path: str, said: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("instance", "said"),
    [
        ({"colour": None}, "instance 0 has no value in the column `colour`"),
        ({"count": 2.5}, "instance 0 has 2.5 in the column `count`, which is integer"),
        ({"count": True}, "has True in the column `count`"),
        ({"count": 2**63}, "in the column `count`"),
        ({"size": "big"}, "has 'big' in the column `size`, which is float"),
        ({"new": 1}, "in the column `new`, which is boolean"),
        ({"colour": 1}, "in the column `colour`, which is string"),
        ({"color": "red"}, "did you mean `colour`?"),
    ],
)
def test_plain_errors_name_the_column(client: TestClient, instance: dict[str, Any], said: str) -> None:
    answer = client.post("/predict", json={"instances": [{**ROW, **instance}]})
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_errors_of_the_body_are_sentences(client: TestClient) -> None:
    def error(content: bytes) -> tuple[int, str]:
        answer = client.post("/predict", content=content, headers={"content-type": "application/json"})
        return answer.status_code, answer.json()["error"]

    assert error(b"{")[0] == 400
    assert error(b"{")[1].startswith("the request's body is not JSON")
    assert error(b"{}") == (422, "the request is wrong at `instances`: field required.")
    assert error(b'{"instances": []}') == (422, "`instances` is empty: send at least one row.")
    assert error(b'{"instances": [7]}') == (422, "instance 0 must be an object of columns and values, not int.")
    assert error(b'{"instances": [{"\\ud800": 1}]}')[0] == 422
    assert error(b'{"instances": [{"size": 1, "count": 1, "colour": "\\ud800", "new": true}]}')[0] == 422
    without = {"instances": [{k: v for k, v in ROW.items() if k != "count"}]}
    assert error(json.dumps(without).encode()) == (422, "instance 0 lacks the column `count` (integer).")
    assert error(b'{"instances": [{"size": NaN, "count": 1, "colour": "red", "new": true}]}')[0] == 422


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": None}, "lacks the input `count` (INT64)"),
        ({"count": ("FP64", [1.0, 2.0])}, "the input `count` is INT64, but was sent as FP64"),
        ({"count": ("INT64", [1])}, "the input `count` has 1 rows, but `size` has 2"),
        ({"colour": ("BYTES", ["red", 4])}, "row 1 has 4 in the column `colour`"),
        ({"size": ("FP64", [[0.1, 0.2], [0.3, 0.4]])}, "in the column `size`"),
        ({"weight": ("FP64", [1, 2])}, "has the column `weight`, which the model does not take"),
    ],
)
def test_protocol_errors_name_the_column(client: TestClient, change: dict[str, Any], said: str) -> None:
    answer = client.post("/v2/models/things/infer", json=tensors(**change))
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_tensors_that_contradict_themselves(client: TestClient) -> None:
    body = tensors()
    body["inputs"][1]["shape"] = [3]
    assert "has the shape [3], but 2 values" in client.post("/v2/models/things/infer", json=body).json()["error"]
    body["inputs"][1]["shape"] = [2, 2]
    assert "a column has [n] or [n, 1]" in client.post("/v2/models/things/infer", json=body).json()["error"]
    body["inputs"][1]["shape"] = [2]
    body["inputs"].append(body["inputs"][1])
    assert "is sent twice" in client.post("/v2/models/things/infer", json=body).json()["error"]


def test_metrics_count_requests_errors_and_predictions(tracked_run: dict[str, Any]) -> None:
    with client_of(tracked_run) as fresh:
        for _ in range(3):
            fresh.post("/predict", json={"instances": [ROW, ROW]})
        fresh.post("/predict", json={"instances": [{}]})
        fresh.post("/v2/models/things/infer", json=tensors())
        text = fresh.get("/metrics").text

    def value(name: str, *labels: str) -> float:
        lines = [line for line in text.splitlines() if line.startswith(name + "{") and all(x in line for x in labels)]
        assert len(lines) == 1, (name, labels, lines)
        return float(lines[0].rsplit(" ", 1)[1])

    assert value("mlops_stacks_requests_total", 'route="predict"', 'code="200"') == 3
    assert value("mlops_stacks_errors_total", 'route="predict"', 'code="422"') == 1
    assert value("mlops_stacks_requests_total", 'route="infer"', 'code="200"') == 1
    assert value("mlops_stacks_request_seconds_count", 'route="predict"') == 4
    assert value("mlops_stacks_rows_total") == 8
    assert value("mlops_stacks_prediction_count") == 8
    assert value("mlops_stacks_prediction_bucket", 'le="0.7"') == 1
    assert 'model="things",version="1"' in text


def test_a_model_that_fails_is_a_500_that_is_counted(
    tracked_run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_stacks.runtime.saved_model import SavedModel

    with client_of(tracked_run) as fresh:
        monkeypatch.setattr(SavedModel, "predict", lambda self, rows: 1 / 0)
        answer = fresh.post("/predict", json={"instances": [ROW]})
        assert answer.status_code == 500
        assert answer.json() == {"error": "the model failed on this request: ZeroDivisionError."}
        assert re.search(r'errors_total\{code="500".*\} 1\.0', fresh.get("/metrics").text)


def captured(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for file in sorted(folder.glob("things/*.jsonl")) for line in file.read_text().splitlines()
    ]


def test_capture_keeps_every_row_once(tracked_run: dict[str, Any], tmp_path: Path) -> None:
    with client_of(tracked_run, capture={"uri": tmp_path.as_uri(), "sample_percent": 100}) as capturing:
        for number in range(50):
            capturing.post("/predict", json={"instances": [{**ROW, "count": number}, {**ROW, "size": None}]})
        capturing.post("/predict", json={"instances": [{}]})
        capturing.post("/v2/models/things/infer", json=tensors())
    records = captured(tmp_path)
    assert len(records) == 102
    assert [r["inputs"]["count"] for r in records if r["row"] == 0][:50] == list(range(50))
    assert {r["inputs"]["size"] for r in records[1:100:2]} == {None}
    assert records[0]["prediction"] == pytest.approx(0.74)
    assert records[-1]["request_id"] == "mine"
    (file,) = tmp_path.glob("things/*.jsonl")
    assert file.name.startswith(f"{datetime.now(UTC):%Y-%m-%d}-")


def test_requests_at_the_same_time_get_their_own_answers_and_are_captured_once(
    tracked_run: dict[str, Any], tmp_path: Path
) -> None:
    import asyncio

    import httpx

    from mlops_stacks.runtime.serving.app import make_app
    from mlops_stacks.runtime.serving.service import load_service

    settings: Any = server_settings_document(
        tracked_run["folder"], capture={"uri": tmp_path.as_uri(), "sample_percent": 100}
    )
    service = load_service(settings)
    sizes = [number / 100 for number in range(2, 99)]

    async def ask(client: httpx.AsyncClient, size: float) -> float:
        broken = size == 0.5
        row = {**ROW, "size": "half" if broken else size}
        answer = await client.post("/predict", json={"instances": [row]})
        assert answer.status_code == (422 if broken else 200)
        return size - 0.01 if broken else float(answer.json()["predictions"][0])

    async def ask_all() -> list[float]:
        transport = httpx.ASGITransport(app=make_app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await asyncio.gather(*(ask(client, size) for size in sizes))

    assert asyncio.run(ask_all()) == pytest.approx([size - 0.01 for size in sizes])
    service.close()
    kept = {record["inputs"]["size"]: record["prediction"] for record in captured(tmp_path)}
    assert kept == pytest.approx({size: size - 0.01 for size in sizes if size != 0.5})
    assert len(captured(tmp_path)) == len(sizes) - 1


def test_capture_takes_a_sample(tracked_run: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    monkeypatch.setattr(random, "random", random.Random(7).random)
    with client_of(tracked_run, capture={"uri": tmp_path.as_uri(), "sample_percent": 30}) as capturing:
        for _ in range(200):
            capturing.post("/predict", json={"instances": [ROW]})
    assert 35 < len(captured(tmp_path)) < 85


def test_capture_starts_a_file_each_day_and_an_object_each_batch() -> None:
    import fsspec

    from mlops_stacks.runtime.serving.capture import Capture

    days = iter([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 1, 2, 2)])
    capture = Capture(
        {"uri": "memory://captured", "sample_percent": 100}, "m", "1", clock=lambda: next(days), flush_seconds=0
    )
    for number in (1, 2):
        capture.keep(f"request-{number}", {"x": [1]}, [0.5])
        eventually(lambda n=number: len(fsspec.filesystem("memory").glob("/captured/m/*.jsonl")) == n)
    capture.close()
    names = [Path(name).name for name in sorted(fsspec.filesystem("memory").glob("/captured/m/*.jsonl"))]
    assert [name[:10] for name in names] == ["2026-01-01", "2026-01-02"]


def test_capture_that_cannot_write_neither_blocks_nor_fails_an_answer(
    tracked_run: dict[str, Any], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "things"
    in_the_way.write_text("a file where the folder should be")
    with client_of(tracked_run, capture={"uri": tmp_path.as_uri(), "sample_percent": 100}) as capturing:
        assert capturing.post("/predict", json={"instances": [ROW]}).status_code == 200

        def dropped() -> bool:
            return "capture_dropped_total" in (text := capturing.get("/metrics").text) and bool(
                re.search(r"capture_dropped_total\{.*\} 1\.0", text)
            )

        eventually(dropped)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_process_serves_counts_and_flushes_at_its_end(
    workers: int, tracked_run: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    capture = {"uri": tmp_path.as_uri(), "sample_percent": 100}
    document = server_settings_document(tracked_run["folder"], port=str(port), capture=capture, workers=workers)
    process = started("serve", "--settings", write_document(tmp_path / "server.json", document))
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: process.poll() is not None or _get(f"{url}/v2/health/ready"))
        request = urllib.request.Request(
            f"{url}/predict",
            json.dumps({"instances": [ROW]}).encode(),
            {"content-type": "application/json"},
        )
        for _ in range(6):
            with urllib.request.urlopen(request) as answer:
                assert json.load(answer)["predictions"] == pytest.approx([0.74])
        # Whichever worker is asked, it tells what all of them counted.
        for _ in range(4):
            with urllib.request.urlopen(f"{url}/metrics") as answer:
                assert re.search(r"rows_total\{.*\} 6\.0", answer.read().decode())
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert len(captured(tmp_path)) == 6
    assert not list(tmp_path.glob("mlops-stacks-metrics-*"))


def _get(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"model_uri": "/nowhere/model"}, 1, "the model /nowhere/model could not be loaded"),
        ({"port": "many"}, 2, "wrong at `port`"),
    ],
)
def test_a_server_that_cannot_start_says_why(
    changes: dict[str, Any],
    code: int,
    said: str,
    tracked_run: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from mlops_stacks.runtime.serving.serve import serve_command

    document = server_settings_document(tracked_run["folder"], **changes)
    assert serve_command(write_document(tmp_path / "server.json", document)) == code
    assert said in capsys.readouterr().err
