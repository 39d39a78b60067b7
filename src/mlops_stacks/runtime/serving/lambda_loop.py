"""Answers requests inside AWS Lambda, with the routes of the server: `python -m mlops_stacks.runtime lambda`.

Lambda hands a function's requests out through a small HTTP interface of its own (Lambda Developer Guide, "Using the
Lambda runtime API for custom runtimes"): ask for the next, answer it, again. AWS's client for it is a C++ extension
that has to be compiled for each Python; the interface is four addresses, so they are asked for here.

A request is what a function URL sends (payload format 2.0), or a body for `/invocations` by itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mlops_stacks.runtime.errors import RuntimeFault

if TYPE_CHECKING:
    from fastapi import FastAPI

ADDRESS_VARIABLE = "AWS_LAMBDA_RUNTIME_API"
"""Lambda sets it to the host and port of its interface."""
_REQUEST_ID = "Lambda-Runtime-Aws-Request-Id"

logger = logging.getLogger("mlops_stacks.lambda")


def lambda_command(settings_uri: str | None) -> int:
    """Answer requests until Lambda halts the process; returns the exit code."""
    from mlops_stacks.runtime.serving.serve import application, prepare, settings_uri_of

    prepare()
    interface = _Interface(os.environ[ADDRESS_VARIABLE])
    try:
        app = application(settings_uri_of(settings_uri))
    except RuntimeFault as fault:
        interface.failed("init/error", type(fault).__name__, str(fault))
        sys.stderr.write(f"error: {fault}\n")
        return fault.exit_code
    asyncio.run(_answer_all(app, interface))
    return 0


class _Interface:
    """Lambda's own side of a function."""

    def __init__(self, address: str) -> None:
        self._base = f"http://{address}/2018-06-01/runtime"

    def next(self) -> tuple[str, Any] | None:
        """The next request and its identifier; waits as long as it takes. None when Lambda is gone."""
        try:
            with urllib.request.urlopen(f"{self._base}/invocation/next") as answer:  # noqa: S310 - Lambda's own address
                return str(answer.headers[_REQUEST_ID]), json.load(answer)
        except urllib.error.HTTPError as refused:
            raise RuntimeError(f"Lambda refused to say what is next: {refused}") from refused
        except OSError:
            return None

    def answered(self, request: str, answer: Any) -> None:
        """Answer a request."""
        self._post(f"invocation/{request}/response", answer)

    def failed(self, where: str, kind: str, message: str) -> None:
        """Say that a request, or the start, has failed."""
        self._post(where, {"errorType": kind, "errorMessage": message})

    def _post(self, path: str, value: Any) -> None:
        body = json.dumps(value).encode()
        request = urllib.request.Request(f"{self._base}/{path}", body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request):  # noqa: S310 - Lambda's own address
            return


async def _answer_all(app: FastAPI, interface: _Interface) -> None:
    async with app.router.lifespan_context(app):
        while True:
            # In a thread: between requests the process may be halted for hours, and the loop must not notice.
            taken = await asyncio.to_thread(interface.next)
            if taken is None:
                return
            request, event = taken
            try:
                answer = await called(app, event)
            except Exception as error:
                logger.exception("the request %s has failed", request)
                interface.failed(f"invocation/{request}/error", type(error).__name__, str(error))
            else:
                interface.answered(request, answer)


async def called(app: FastAPI, event: Any) -> Any:
    """The application's answer to an event, in the form in which the event came."""
    if isinstance(event, Mapping) and "requestContext" in event and "rawPath" in event:
        body = event.get("body") or ""
        content = base64.b64decode(body) if event.get("isBase64Encoded") else str(body).encode()
        method = event["requestContext"].get("http", {}).get("method", "POST")
        status, headers, answer = await _asgi(
            app, method, event["rawPath"], event.get("rawQueryString", ""), event.get("headers") or {}, content
        )
        return {"statusCode": status, "headers": headers, "body": answer.decode(), "isBase64Encoded": False}
    body = json.dumps(event).encode()
    status, _, answer = await _asgi(app, "POST", "/invocations", "", {"content-type": "application/json"}, body)
    parsed = json.loads(answer)
    if status >= 400:
        raise ValueError(parsed.get("error", f"status {status}"))
    return parsed


async def _asgi(
    app: FastAPI, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One request to the application, in process."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()],
        "server": ("lambda", 443),
        "client": None,
    }
    given = iter([{"type": "http.request", "body": body, "more_body": False}])
    status, answered, parts = 500, {}, []

    async def receive() -> Any:
        return next(given, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        nonlocal status, answered
        if message["type"] == "http.response.start":
            status = message["status"]
            answered = {name.decode("latin-1"): value.decode("latin-1") for name, value in message.get("headers", [])}
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, answered, b"".join(parts)
