"""Ports of the local platform: chosen free once, then kept, so that addresses survive a restart.

They are kept in one small JSON file per project and blueprint, under a file lock. Candidates lie below the ranges from
which Linux and macOS take the ports of outgoing connections, so that a kept port is not lost to a passing client.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_components.local.folders import remove_file, write_file
from mlops_components.local.problems import LocalPlatformError
from mlops_components.spec.marked import MARKER, environment_value

if TYPE_CHECKING:
    import psutil

HOST = "127.0.0.1"
"""The only address on which the local platform listens."""

_FIRST, _COUNT = 20_000, 10_000


def keep_port(key: str, registry: Path, preferred: int | None = None) -> int:
    """The port kept under `key`; chosen now, and then kept, if there is none or another one is `preferred`."""
    with _locked(registry) as ports:
        kept = ports.get(key)
        if kept is not None and preferred in (None, kept):
            return kept
        others = {port for name, port in ports.items() if name != key}
        ports[key] = _preferred(key, preferred, others) if preferred is not None else _choose(key, registry, others)
        return ports[key]


def kept_port(key: str, registry: Path) -> int | None:
    """The port kept under `key`, if there is one."""
    return _read(registry).get(key)


def release_port(key: str, registry: Path) -> None:
    """Forget the port under `key`."""
    # Somebody may have deleted the list and left its lock, which goes with the last port.
    if registry.exists() or _lock_of(registry).exists():
        with _locked(registry) as ports:
            ports.pop(key, None)


def is_free(port: int) -> bool:
    """Whether a program could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too; without it a port counts as taken for a minute after its last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holder(port: int) -> "psutil.Process | None":
    """The process that listens on `port`, as far as this user may know."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return psutil.Process(connection.pid) if connection.pid and psutil.pid_exists(connection.pid) else None
    return None


def refuse_stranger(port: int, what: str, ours: str) -> None:
    """Raise one sentence if a program whose marker does not start with `ours` listens on `port`, kept for `what`."""
    if is_free(port):
        return
    process = holder(port)
    if process is not None and (environment_value(process, MARKER) or "").startswith(ours):
        return
    raise LocalPlatformError(
        f"Port {port}, which is kept for {what}, is taken by {_describe(process)}; "
        "stop that program, or give this one another port in the blueprint, and run `up` again."
    )


def _describe(process: "psutil.Process | None") -> str:
    import psutil

    if process is None:
        return "another program"
    try:
        return f"another program, {process.name()} (process {process.pid})"
    except psutil.Error:
        return f"another program (process {process.pid})"


def _preferred(key: str, preferred: int, others: set[int]) -> int:
    if preferred in others:
        raise LocalPlatformError(
            f"Port {preferred}, asked for by {key}, is already kept for another part of this blueprint; "
            "write another port there."
        )
    refuse_stranger(preferred, key, "\0")
    return preferred


def _choose(key: str, registry: Path, others: set[int]) -> int:
    # Starting from a hash gives a project the same ports again after it was destroyed.
    start = int.from_bytes(sha256(f"{registry}\0{key}".encode()).digest()[:4], "big")
    for step in range(_COUNT):
        candidate = _FIRST + (start + step) % _COUNT
        if candidate not in others and is_free(candidate):
            return candidate
    raise LocalPlatformError(f"No port from {_FIRST} to {_FIRST + _COUNT - 1} is free for {key}; stop some programs.")


def _read(registry: Path) -> dict[str, int]:
    try:
        document = json.loads(registry.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LocalPlatformError(
            f"The list of ports {registry} is damaged ({error}); delete it, and `up` chooses ports anew."
        ) from error
    return {str(key): int(port) for key, port in document.items()}


@contextmanager
def _locked(registry: Path) -> Iterator[dict[str, int]]:
    """The kept ports, under a lock; written back at the end, or removed when none is left."""
    lock = _lock_of(registry)
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _lock(lock)
    try:
        ports = _read(registry)
        before = dict(ports)
        yield ports
        if not ports:
            remove_file(registry)
        elif ports != before:
            write_file(registry, json.dumps(ports, indent=2, sort_keys=True) + "\n", 0o600)
    finally:
        if not registry.exists():
            remove_file(lock)
        os.close(descriptor)


def _lock_of(registry: Path) -> Path:
    return registry.with_name(f"{registry.name}.lock")


def _lock(lock: Path) -> int:
    """Lock the file; again, if its last user removed it in the meantime."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)
