"""The latest row of an entity, read from Feast's SQLite file without Feast.

Feast in a server costs 80 MB and three seconds of start. What is read here is Feast's own table: key bytes of
serialization version 3 (number of keys; type, length and name of each; type, length and value of each; sorted by
name) and values as protocol buffers of one field. A test holds the answers against Feast's own.
"""

from __future__ import annotations

import sqlite3
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_components.spec.feature import FeatureStoreRef
from mlops_stacks.runtime.errors import RuntimeFault

_STRING = 2
"""Feast's number of the type of a text."""
_DAY_SECONDS = 86_400
_BUSY_SECONDS = 1.0


def key_bytes(keys: Mapping[str, str]) -> bytes:
    """An entity's key as Feast writes it."""
    names = sorted(keys)
    parts = [struct.pack("<I", len(names))]
    for text in (*names, *(keys[name] for name in names)):
        encoded = text.encode("utf-8", "surrogatepass")
        parts.append(struct.pack("<2I", _STRING, len(encoded)) + encoded)
    return b"".join(parts)


def value_of(encoded: bytes) -> Any:
    """A value as Feast writes it: one field, whose number says the type. None where nothing is in it."""
    if not encoded:
        return None
    tag, at = _varint(encoded, 0)
    number, wire = tag >> 3, tag & 7
    if number == _NULL:
        return None
    if wire == _LENGTH:
        length, at = _varint(encoded, at)
        return encoded[at : at + length].decode()
    if wire in _FIXED:
        value = struct.unpack_from(_FIXED[wire], encoded, at)[0]
        return None if value != value else value
    whole, _ = _varint(encoded, at)
    signed = whole - (1 << 64) if whole >= 1 << 63 else whole
    return bool(signed) if number == _BOOLEAN else signed


_BOOLEAN, _NULL = 7, 19
_LENGTH = 2
_FIXED = {1: "<d", 5: "<f"}


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = encoded[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


class LookupFaultError(RuntimeFault):
    """The online store cannot be read."""


class OnlineStore:
    """Reads the latest rows. Safe to use from several threads."""

    def __init__(self, store: FeatureStoreRef) -> None:
        """The file is opened when something is asked; it may come into being later."""
        self._path = Path(store["online"])
        self._project, self._groups = store["project"], store["groups"]
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def row(self, group: str, keys: Mapping[str, str], names: Sequence[str]) -> dict[str, Any]:
        """The features of one entity; None where it has no row, or one that is older than the group's limit.

        Raises `LookupFaultError` where nobody can tell.
        """
        table = f"{self._project}_{group}".replace('"', '""')
        statement = f'SELECT feature_name, value, event_ts FROM "{table}" WHERE entity_key = ?'  # noqa: S608 - quoted
        with self._lock:
            try:
                found = self._current().execute(statement, (key_bytes(keys),)).fetchall()
            except (sqlite3.Error, OSError) as error:
                self._close()
                raise LookupFaultError(f"the online store {self._path} cannot be read: {error}.") from error
        days = self._groups[group].get("ttl_days")
        oldest = time.time() - days * _DAY_SECONDS if days else float("-inf")
        values = {name: value_of(value) for name, value, at in found if at >= oldest}
        return {name: values.get(name) for name in names}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    def _current(self) -> sqlite3.Connection:
        """A connection to the file that is there now: ingestion puts another in its place."""
        status = self._path.stat()
        identity = (status.st_dev, status.st_ino)
        if self._connection is None or identity != self._opened:
            self._close()
            self._connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False
            )
            self._opened = identity
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
