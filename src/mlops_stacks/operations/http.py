"""Small HTTP requests with nothing but the standard library: addresses on this machine never go through a proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class NoAnswerError(Exception):
    """Nobody answers at an address, or the answer is no HTTP."""


@dataclass(frozen=True)
class Answer:
    """What a server said, whatever its status."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)


def request(url: str, body: Any = None, *, seconds: float = 30.0) -> Answer:
    """GET an address, or POST `body` to it as JSON. Raises `NoAnswerError`."""
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        raise NoAnswerError(f"{url} is no HTTP address")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data is not None else {}
    handlers = [urllib.request.ProxyHandler({})] if urllib.parse.urlsplit(url).hostname in _HERE else []
    asked = urllib.request.Request(url, data, headers)  # noqa: S310  the scheme was checked above
    try:
        with urllib.request.build_opener(*handlers).open(asked, timeout=seconds) as response:
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read())
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NoAnswerError(f"{url} does not answer ({reason})") from error
