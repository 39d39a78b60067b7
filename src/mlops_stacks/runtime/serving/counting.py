"""Counts the requests for a prediction and their times."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COUNTED = ("/predict", "/infer", "/invocations")
"""Ends of the paths that predict."""


class Counting:
    """An ASGI layer. The framework's own kind of middleware costs a task and two queues for each request."""

    def __init__(self, app: ASGIApp, answered: Callable[[str, int, float], object]) -> None:
        """`answered` is told the route (`predict`, `infer` or `invocations`), the status code, and the seconds."""
        self._app, self._answered = app, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not scope["path"].endswith(_COUNTED):
            await self._app(scope, receive, send)
            return
        started, code = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = scope["path"].rsplit("/", 1)[-1]
            self._answered(route, code, time.perf_counter() - started)
