"""Keeps requests and predictions for monitoring, without ever making an answer wait.

Rows go into a bounded queue; a thread writes them as JSON lines, a file a day and process. When the queue is full
(the disk is slower than the traffic) rows are dropped and counted.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import random
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fsspec.implementations.local import LocalFileSystem

from mlops_components.spec.settings import CaptureSettings
from mlops_stacks.runtime.folder import file_system, make_folder

if TYPE_CHECKING:
    from mlops_stacks.runtime.serving.batching import Columns

logger = logging.getLogger("mlops_stacks.capture")

CAPACITY = 10_000
"""Requests that may wait to be written."""

_FLUSH_SECONDS = 1.0
_FEW_ROWS = 50
"""Up to so many rows are put into JSON with the request, at about 10 microseconds each: a thread that does it for a
whole second wrestles with later requests for the interpreter, and doubles the 99th percentile of their times."""

_STOP = None


@dataclass(slots=True)
class _Kept:
    """A request that waits to be written."""

    time: datetime
    request_id: str
    columns: Columns
    predictions: Sequence[Any]
    lines: bytes | None = None
    """What is to be written, if it has been made already."""


class Capture:
    """Writes sampled requests, row by row, below `<uri>/<model>/`."""

    def __init__(
        self,
        settings: CaptureSettings,
        model: str,
        version: str,
        *,
        dropped: Callable[[int], object] = lambda _: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        flush_seconds: float = _FLUSH_SECONDS,
    ) -> None:
        """Start the thread. `dropped` is told of rows that were not kept."""
        self._fs, root = file_system(settings["uri"])
        self._folder = f"{root.rstrip('/')}/{model}"
        self._share = settings["sample_percent"] / 100
        self._model, self._version = model, version
        self._dropped, self._clock, self._flush_seconds = dropped, clock, flush_seconds
        self._at_once = bool(settings.get("at_once"))
        self._queue: queue.Queue[_Kept | None] = queue.Queue(CAPACITY)
        self._parts = 0
        self._thread = threading.Thread(target=self._work, name="capture", daemon=True)
        self._thread.start()

    def keep(self, request_id: str, columns: Columns, predictions: Sequence[Any]) -> None:
        """Keep one answered request, if it is in the sample. Missing values are None.

        It returns at once, unless the settings want the request to be written by then.
        """
        if random.random() >= self._share:  # noqa: S311 - a sample, not a secret
            return
        kept = _Kept(self._clock(), request_id, columns, predictions)
        if self._at_once:
            self._write([kept])
            return
        if len(predictions) <= _FEW_ROWS:
            kept.lines = self._lines(kept)
        try:
            self._queue.put_nowait(kept)
        except queue.Full:
            self._dropped(len(predictions))

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._queue.put(_STOP)
        self._thread.join()

    def _work(self) -> None:
        while True:
            batch, stopping = self._gather()
            if batch:
                self._write(batch)
            if stopping:
                return

    def _gather(self) -> tuple[list[_Kept], bool]:
        """Wait for a first request, then take what else has come by the end of the flush time."""
        first = self._queue.get()
        if first is _STOP:
            return [], True
        batch = [first]
        timer = threading.Event()
        timer.wait(self._flush_seconds if self._queue.empty() else 0)
        while not self._queue.empty():
            more = self._queue.get_nowait()
            if more is _STOP:
                return batch, True
            batch.append(more)
        return batch, False

    def _lines(self, kept: _Kept) -> bytes:
        """One request as JSON lines."""
        common = {"request_id": kept.request_id, "model": self._model, "version": self._version}
        moment = kept.time.isoformat(timespec="milliseconds")
        names = tuple(kept.columns)
        rows = zip(*kept.columns.values(), strict=True)
        records = (
            {"time": moment, **common, "row": number, "inputs": dict(zip(names, row, strict=True)), "prediction": value}
            for number, (row, value) in enumerate(zip(rows, kept.predictions, strict=True))
        )
        return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode()

    def _write(self, batch: Sequence[_Kept]) -> None:
        """A store of objects cannot add to one, so each batch is an object of its own there."""
        content = b"".join(self._lines(kept) if kept.lines is None else kept.lines for kept in batch)
        name = f"{self._clock():%Y-%m-%d}-{socket.gethostname()}-{os.getpid()}"
        try:
            make_folder(self._fs, self._folder)
            if isinstance(self._fs, LocalFileSystem):
                with self._fs.open(f"{self._folder}/{name}.jsonl", "ab") as file:
                    file.write(content)
            else:
                self._parts += 1
                self._fs.pipe_file(f"{self._folder}/{name}-{self._parts:06d}.jsonl", content)
        except OSError as error:
            # An answer matters more than its record; the loss is counted and said.
            rows = sum(len(kept.predictions) for kept in batch)
            logger.warning("%d captured rows could not be written: %s", rows, error)
            self._dropped(rows)
