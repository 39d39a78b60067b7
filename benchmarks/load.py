"""A closed-loop load generator: so many connections, each of which sends a request when the last one is answered.

A process of its own, of the standard library only: a client that shares the server's interpreter, or does more for
a request than the server, measures itself. It speaks just enough HTTP 1.1 for the two servers that are compared, and
only ever to this machine.

    python benchmarks/load.py PORT PATH BODY --connections 16 --requests 2000

prints one JSON object: latencies in milliseconds (p50, p99), requests a second, and the number of answers by status.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
MOST_SECONDS = 20.0
"""After so long no further request is sent, however many were wanted."""
_NEVER = 15.0
"""Seconds after which a request counts as lost."""


class LoadError(Exception):
    """The server did not answer as a server should; the message says what happened."""


class _Connection(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again."""

    def __init__(self, load: Load) -> None:
        self._load, self._received, self._expected, self._began = load, bytearray(), -1, 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._expected < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._expected = end + 4 + _length(bytes(self._received[:end]))
        if len(self._received) >= self._expected:
            self._load.answered(time.perf_counter() - self._began, int(self._received[9:12]))
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(f"the server closed a connection ({exc})"))

    def _send(self) -> None:
        if not self._load.take():
            self.done.set_result(None)
            self._transport.close()
            return
        self._received.clear()
        self._expected = -1
        self._began = time.perf_counter()
        self._transport.write(self._load.message)


class Load:
    """What all connections share: what is sent, how often still, and what came of it."""

    def __init__(self, port: int, path: str, body: bytes, requests: int) -> None:
        """Prepare one message, sent again and again."""
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        self.message = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self._port, self._left, self._end = port, requests, 0.0
        self._seconds: list[float] = []
        self._statuses: Counter[int] = Counter()

    def take(self) -> bool:
        """Whether one more request may be sent; counts it."""
        if self._left <= 0 or time.perf_counter() > self._end:
            return False
        self._left -= 1
        return True

    def answered(self, seconds: float, status: int) -> None:
        """Note an answer."""
        self._seconds.append(seconds)
        self._statuses[status] += 1

    async def run(self, connections: int) -> dict[str, Any]:
        """Send everything and return the figures."""
        loop = asyncio.get_running_loop()
        self._end = time.perf_counter() + MOST_SECONDS
        began = time.perf_counter()
        opened = [await loop.create_connection(lambda: _Connection(self), HOST, self._port) for _ in range(connections)]
        async with asyncio.timeout(MOST_SECONDS + _NEVER):
            await asyncio.gather(*(protocol.done for _, protocol in opened))
        took = time.perf_counter() - began
        ordered = sorted(self._seconds)
        return {
            "connections": connections,
            "requests": len(ordered),
            "p50_ms": 1000 * quantile(ordered, 0.50),
            "p99_ms": 1000 * quantile(ordered, 0.99),
            "requests_per_second": len(ordered) / took,
            "statuses": {str(status): number for status, number in self._statuses.items()},
        }


def quantile(ordered: list[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise LoadError("an answer has no Content-Length")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="A closed-loop load generator for servers on this machine.")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("body", type=Path, help="file with the body of every request")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--requests", type=int, default=1000)
    given = parser.parse_args()
    load = Load(given.port, given.path, given.body.read_bytes(), given.requests)
    print(json.dumps(asyncio.run(load.run(given.connections))))


if __name__ == "__main__":
    main()
