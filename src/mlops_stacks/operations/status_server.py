"""Serves the status page to this machine, for as long as somebody looks at it.

It has the page, its document, the pages beside it, and the drift reports that the document names. It answers GET alone,
on 127.0.0.1 alone, and only to whoever calls it by a name of this machine: a page of somebody else that makes its own
name point here (DNS rebinding) is refused.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ADDRESS = "127.0.0.1"
_NAMES = (ADDRESS, "localhost")
_FRESH_SECONDS = 1.0
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# A drift report is a page of another project's making: it may run its own scripts, ask nobody, and see nothing of ours.
_REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
_REPORTS = "/reports/"

Document = Mapping[str, Any]


class StatusServer(ThreadingHTTPServer):
    """A server of one page; `port` 0 takes any that is free. Raises OSError where the port is taken."""

    daemon_threads = True

    def __init__(
        self,
        port: int,
        ask: Callable[[], Document],
        render: Callable[[Document], str],
        pages: Mapping[str, Callable[[Document], str]] | None = None,
    ) -> None:
        """`pages` are those beside the status page: name in the address -> what writes it."""
        super().__init__((ADDRESS, port), _Handler)
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: tuple[float, Document] | None = None
        self.pages = {"/": render, **{f"/{name}": page for name, page in (pages or {}).items()}}
        self.hosts = frozenset(f"{name}:{self.server_port}" for name in _NAMES)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def document(self) -> Document:
        """The state now; several readers at once share one look."""
        with self._lock:
            if self._asked is None or time.monotonic() - self._asked[0] > _FRESH_SECONDS:
                document = self._ask()
                self._asked = (time.monotonic(), document)
            return self._asked[1]


class _Handler(BaseHTTPRequestHandler):
    """Answers `/` with the page, `/status.json` with its document, and the pages beside it by their names."""

    server: StatusServer
    server_version = "mlops-stacks"
    sys_version = ""
    timeout = 15

    def do_GET(self) -> None:
        """Answer, or say why not."""
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self._send(421, "text/plain", f"this is {self.server.url}, and nothing else")
            return
        path = self.path.partition("?")[0]
        render = self.server.pages.get(path)
        if render is None and path != "/status.json" and not path.startswith(_REPORTS):
            self._send(404, "text/plain", f"there is {', '.join(self.server.pages)} and /status.json")
            return
        try:
            document = self.server.document()
            if path.startswith(_REPORTS):
                self._send_report(document, path.removeprefix(_REPORTS))
                return
            page = json.dumps(document, default=str) if render is None else render(document)
        # Whatever the platform's state is, the one who looks at it must learn what is wrong.
        except Exception as error:  # noqa: BLE001
            self._send(500, "application/json", json.dumps({"problem": f"the state cannot be read: {error}"}))
            return
        self._send(200, "application/json" if render is None else "text/html", page)

    def _send_report(self, document: Document, name: str) -> None:
        """The latest report on `<environment>/<model>`; where its file is the document says, never the address."""
        for watched in document.get("monitoring") or ():
            if watched["page"] and f"{watched['environment']}/{watched['model']}" == name:
                text = Path(watched["page"]).read_text(encoding="utf-8")
                self._send(200, "text/html", text, **{"Content-Security-Policy": _REPORT_POLICY})
                return
        self._send(404, "text/plain", "there is no report of this model")

    do_HEAD = do_GET  # noqa: N815

    def _refuse(self) -> None:
        self._send(405, "text/plain", "this page can only be read", Allow="GET, HEAD")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refuse  # noqa: N815

    def _send(self, status: int, kind: str, text: str, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": f"{kind}; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the base class calls it
        """Say nothing: the page asks every few seconds, in somebody's terminal."""
