"""The server as SageMaker and Lambda call it: ping, invocations in three formats, the settings from the environment."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import queue
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from runtime_helpers import runtime, write_document
from test_runtime_serving import ROW, client_of, server_settings_document
from waiting import eventually


@pytest.fixture(scope="module")
def sagemaker(tracked_run: dict[str, Any]) -> Iterator[TestClient]:
    with client_of(tracked_run) as made:
        yield made


def order(client: TestClient) -> list[str]:
    return [each["name"] for each in client.get("/v2/models/things").json()["inputs"]]


def test_ping(sagemaker: TestClient) -> None:
    assert sagemaker.get("/ping").status_code == 200


def test_a_flat_row_is_answered_flat(sagemaker: TestClient) -> None:
    answer = sagemaker.post("/invocations", json=ROW)
    assert answer.json() == {"probability_big": pytest.approx(0.74)}


def test_instances_and_tensors(sagemaker: TestClient) -> None:
    instances = sagemaker.post("/invocations", json={"instances": [ROW, ROW]}).json()
    assert instances["predictions"] == pytest.approx([0.74, 0.74])
    kinds = {"size": "FP64", "count": "INT64", "colour": "BYTES", "new": "BOOL"}
    inputs = [{"name": n, "datatype": kinds[n], "shape": [1], "data": [v]} for n, v in ROW.items()]
    assert sagemaker.post("/invocations", json={"inputs": inputs}).json()["predictions"] == pytest.approx([0.74])


def test_lines_answer_lines(sagemaker: TestClient) -> None:
    body = "".join(f"{json.dumps(row)}\n" for row in (ROW, {**ROW, "size": 0.25}))
    answer = sagemaker.post("/invocations", content=body, headers={"content-type": "application/jsonlines"})
    assert answer.headers["content-type"].startswith("application/jsonlines")
    values = [json.loads(each)["probability_big"] for each in answer.text.splitlines()]
    assert values == pytest.approx([0.74, 0.24])


@pytest.mark.parametrize("header", [False, True])
def test_csv(header: bool, sagemaker: TestClient) -> None:
    names = order(sagemaker)
    rows = [ROW, {**ROW, "size": ""}]
    lines = [",".join(names)] * header + [",".join(str(row[name]) for name in names) for row in rows]
    answer = sagemaker.post("/invocations", content="\n".join(lines), headers={"content-type": "text/csv; header=x"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert [float(value) for value in answer.text.split()] == pytest.approx([0.74, 0.49])


def test_what_is_accepted_decides_the_answer(sagemaker: TestClient) -> None:
    answer = sagemaker.post("/invocations", json={"instances": [ROW]}, headers={"accept": "text/csv"})
    assert float(answer.text) == pytest.approx(0.74)


def test_the_caller_may_name_a_request(sagemaker: TestClient) -> None:
    answer = sagemaker.post(
        "/invocations", json={"instances": [ROW]}, headers={"X-Amzn-SageMaker-Inference-Id": "mine"}
    )
    assert answer.json()["request_id"] == "mine"


@pytest.mark.parametrize(
    ("content", "kind", "status", "sentence"),
    [
        ("{", "application/json", 400, "is not JSON"),
        ("3", "application/json", 422, "must be an object"),
        ("x", "image/png", 415, "this server speaks"),
        ("1,2\n", "text/csv", 422, "line 1 has 2 columns, but there are 4"),
        ('{"size": 1, "count": "x", "colour": "red", "new": true}\n', "application/jsonlines", 422, "`count`"),
        ("", "application/jsonlines", 422, "is empty"),
    ],
)
def test_what_is_wrong_is_said(content: str, kind: str, status: int, sentence: str, sagemaker: TestClient) -> None:
    answer = sagemaker.post("/invocations", content=content, headers={"content-type": kind})
    assert (answer.status_code, sentence in answer.json()["error"]) == (status, True), answer.text


def test_a_cell_of_another_kind_is_named(sagemaker: TestClient) -> None:
    names = order(sagemaker)
    cells = ["many" if name == "count" else str(ROW[name]) for name in names]
    answer = sagemaker.post("/invocations", content=",".join(cells), headers={"content-type": "text/csv"})
    assert answer.status_code == 422
    assert "line 1 has 'many' in the column `count`, which is integer" in answer.json()["error"]


def test_requests_are_counted(sagemaker: TestClient) -> None:
    sagemaker.post("/invocations", json=ROW)
    assert 'route="invocations"' in sagemaker.get("/metrics").text


def test_serving_takes_its_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLOPS_STACKS_SERVER_SETTINGS", raising=False)
    assert "nothing says what to serve" in runtime("serve").stderr
    monkeypatch.setenv("MLOPS_STACKS_SERVER_SETTINGS", f"{tmp_path.as_uri()}/none.json")
    assert "none.json cannot be read" in runtime("serve").stderr


def test_a_request_may_be_written_before_it_is_answered(tracked_run: dict[str, Any], tmp_path: Path) -> None:
    capture = {"uri": tmp_path.as_uri(), "sample_percent": 100, "at_once": True}
    with client_of(tracked_run, capture=capture) as client:
        client.post("/invocations", json=ROW)
        (written,) = (tmp_path / "things").glob("*.jsonl")
        assert json.loads(written.read_text())["inputs"]["colour"] == "red"


class _Lambda(ThreadingHTTPServer):
    """Lambda's runtime API, as far as AWS documents it."""

    def __init__(self, events: list[Any]) -> None:
        self.events: queue.Queue[Any] = queue.Queue()
        self.answers: dict[str, Any] = {}
        for number, event in enumerate(events):
            self.events.put((f"request-{number}", event))
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Lambda

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        assert self.path == "/2018-06-01/runtime/invocation/next"
        name, event = self.server.events.get()
        self._send(200, event, {"Lambda-Runtime-Aws-Request-Id": name})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.answers[self.path.removeprefix("/2018-06-01/runtime/")] = body
        self._send(202, {"status": "OK"}, {})

    def _send(self, status: int, value: Any, headers: dict[str, str]) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)


def url_event(path: str, body: str | None, method: str = "POST", **more: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}},
        "body": body,
        "isBase64Encoded": False,
        **more,
    }


def test_a_function_answers_what_lambda_hands_out(tracked_run: dict[str, Any], tmp_path: Path) -> None:
    body = json.dumps({"instances": [ROW]})
    events = [
        url_event("/predict", body),
        url_event("/ping", None, "GET"),
        url_event("/invocations", base64.b64encode(body.encode()).decode(), isBase64Encoded=True),
        {"instances": [ROW]},
        {"instances": []},
    ]
    lambda_ = _Lambda(events)
    thread = threading.Thread(target=lambda_.serve_forever, daemon=True)
    thread.start()
    settings = write_document(tmp_path / "server.json", server_settings_document(tracked_run["folder"]))
    environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{lambda_.server_port}"}
    command = [sys.executable, "-m", "mlops_stacks.runtime", "lambda", "--settings", settings]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: len(lambda_.answers) == len(events) or process.poll() is not None, 120)
    finally:
        process.kill()
        process.wait()
        lambda_.shutdown()
        lambda_.server_close()
    answers = lambda_.answers
    assert json.loads(answers["invocation/request-0/response"]["body"])["predictions"] == pytest.approx([0.74])
    assert answers["invocation/request-1/response"]["statusCode"] == 200
    assert json.loads(answers["invocation/request-2/response"]["body"])["predictions"] == pytest.approx([0.74])
    assert answers["invocation/request-3/response"]["predictions"] == pytest.approx([0.74])
    assert "at least one row" in answers["invocation/request-4/error"]["errorMessage"]


def test_a_function_that_cannot_start_says_why(tmp_path: Path) -> None:
    lambda_ = _Lambda([])
    threading.Thread(target=lambda_.serve_forever, daemon=True).start()
    environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{lambda_.server_port}"}
    command = [sys.executable, "-m", "mlops_stacks.runtime", "lambda", "--settings", f"{tmp_path.as_uri()}/none.json"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    lambda_.shutdown()
    lambda_.server_close()
    assert ended.returncode != 0
    assert "cannot be read" in lambda_.answers["init/error"]["errorMessage"]


def test_the_files_of_a_model_package_are_brought(
    tracked_run: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_stacks.runtime.serving import model_files

    archive = tmp_path / "model.tar.gz"
    model = Path(tracked_run["folder"]) / "runs" / "first" / "model"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(model, ".")
    described: dict[str, Any] = {"InferenceSpecification": {"Containers": [{"ModelDataUrl": archive.as_uri()}]}}

    class Client:
        def describe_model_package(self, **_: Any) -> Any:
            return described

    monkeypatch.setattr(model_files, "client", lambda *_: Client())
    arn = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/flights-shared-delay/3"
    assert (Path(model_files.local_uri(arn)) / "MLmodel").read_bytes() == (model / "MLmodel").read_bytes()
    source = {"S3DataSource": {"S3Uri": model.as_uri()}}
    described["InferenceSpecification"]["Containers"] = [{"ModelDataSource": source}]
    assert (Path(model_files.local_uri(arn)) / "MLmodel").exists()
    assert model_files.local_uri("models:/things/3") == "models:/things/3"


def test_an_unknown_path_of_a_function_is_said(tracked_run: dict[str, Any]) -> None:
    from mlops_stacks.runtime.serving.app import make_app
    from mlops_stacks.runtime.serving.lambda_loop import called
    from mlops_stacks.runtime.serving.service import load_service

    settings: Any = server_settings_document(tracked_run["folder"])
    app = make_app(load_service(settings))
    answer = asyncio.run(called(app, url_event("/nothing", "{}")))
    assert answer["statusCode"] == 404
