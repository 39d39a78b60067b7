"""The monitor's two pages: `/metrics` for Prometheus, `/health` for the supervisor."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST

from mlops_components.spec.monitoring import MonitorSettings
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.monitoring.exposition import metrics_page
from mlops_stacks.runtime.monitoring.status import status_of


class PortTakenError(SettingsError):
    """The monitor's port is somebody else's."""


@contextmanager
def serve_pages(settings: MonitorSettings, intervals: Mapping[str, float]) -> Iterator[ThreadingHTTPServer]:
    """Answer in a thread while the block runs. Raises `PortTakenError`."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                self._answer(*_page(self.path, settings, intervals))
            except SettingsError as error:
                self._answer(500, "text/plain; charset=utf-8", str(error).encode())

        def _answer(self, code: int, kind: str, content: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Who asks is not worth a line."""

    try:
        server = ThreadingHTTPServer((settings["host"], settings["port"]), Pages)
    except OSError as error:
        raise PortTakenError(f"port {settings['port']} cannot be used: {error.strerror}.") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _page(path: str, settings: MonitorSettings, intervals: Mapping[str, float]) -> tuple[int, str, bytes]:
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, metrics_page(status_of(settings), intervals)
    if path == "/health":
        return 200, "application/json", json.dumps({"watching": sorted(settings["models"])}).encode()
    return 404, "text/plain; charset=utf-8", b"there are /metrics and /health\n"
