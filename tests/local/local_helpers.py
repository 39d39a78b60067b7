"""What the tests of the local platform share: a tiny real program, its processes, a stranger on a port."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import psutil

from mlops_components.local.ports import keep_port
from mlops_components.spec.marked import marked

PAGE = """
import http.server, os, sys
print("serving", os.environ.get("GREETING"), flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""
"""A web server of the standard library, as a program."""


def web_program(home: Path, name: str = "web", **changes: Any) -> dict[str, Any]:
    """Properties of a tiny web server, with numbers as the engine hands them over."""
    port = keep_port(name, home / "ports.json")
    return {
        "supervisor": str(home / "shared" / "supervisor"),
        "name": name,
        "command": ["python", "-c", PAGE, str(port)],
        "directory": str(home),
        "environment": {"GREETING": "50% off; really #1"},
        "port": float(port),
        "health_url": f"http://127.0.0.1:{port}/",
        "startup_seconds": 20.0,
        "stop_seconds": 5.0,
        "log_bytes": 1_000_000.0,
        "watch": [],
        "state": "running",
        **changes,
    }


def processes_of(properties: dict[str, Any]) -> list[psutil.Process]:
    """The living processes of a program."""
    wanted = f"{properties['supervisor']}#{properties['name']}"
    return marked(lambda value: value == wanted)


def listener() -> socket.socket:
    """A stranger who listens on some port."""
    stranger = socket.socket()
    stranger.bind(("127.0.0.1", 0))
    stranger.listen()
    return stranger
