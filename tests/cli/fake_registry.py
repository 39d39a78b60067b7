"""A small server that speaks as much of MLflow's registry, and of our server, as the command line needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakeServer:
    """Versions of the model `demand`, and what was posted to `/predict`."""

    def __init__(self) -> None:
        """No versions yet; pages of two."""
        self.tags: dict[int, dict[str, str]] = {}
        self.aliases: dict[str, int] = {}
        self.requests: list[Any] = []
        self.url = ""
        self.page = 2

    def add(self, number: int, approval: str, **tags: str) -> None:
        """Register a version."""
        self.tags[number] = {"approval": approval, **tags}

    def answer(self, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Status and JSON of a request."""
        if path.endswith("/model-versions/search"):
            return 200, self._search(int(query.get("page_token", ["0"])[0]))
        if path.endswith("/model-versions/set-tag"):
            self.tags[int(body["version"])][body["key"]] = body["value"]
            return 200, {}
        if path.endswith("/registered-models/alias"):
            self.aliases[body["alias"]] = int(body["version"])
            return 200, {}
        if path.endswith("/registered-models/get"):
            return 200, {"registered_model": {"name": "demand"}}
        if path == "/openapi.json":
            example = {"example": {"instances": [{"x": 1}]}}
            content = {"content": {"application/json": example}}
            return 200, {"paths": {"/predict": {"post": {"requestBody": content}}}}
        if path == "/predict":
            self.requests.append(body)
            if body == {"instances": [{"bad": 1}]}:
                return 422, {"error": "the column x is missing"}
            return 200, {"predictions": [0.5 for _ in body["instances"]]}
        return 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": path}

    def _search(self, start: int) -> dict[str, Any]:
        numbers = sorted(self.tags)[start : start + self.page]
        versions = [
            {
                "name": "demand",
                "version": str(number),
                "creation_timestamp": 1_700_000_000_000,
                "last_updated_timestamp": 1_700_000_000_000,
                "tags": [{"key": key, "value": value} for key, value in self.tags[number].items()],
            }
            for number in numbers
        ]
        end = start + self.page
        return {"model_versions": versions, **({"next_page_token": str(end)} if end < len(self.tags) else {})}


@contextmanager
def serving(fake: FakeServer) -> Iterator[FakeServer]:
    """The server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(None)

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, body: Any) -> None:
            parts = urlsplit(self.path)
            status, content = fake.answer(parts.path, parse_qs(parts.query), body)
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
