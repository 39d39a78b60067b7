"""Predicts for requests that wait at the same time together: sixteen rows take hardly longer than one.

A call of a model costs milliseconds before it looks at the first row. So one call at a time is under way; what arrives
meanwhile waits, and is answered by the next call. A single client never waits.

Calls are made in a thread of their own, so that a slow model leaves the server responsive, until a few in a row were
quick: handing over to a thread and back, twice past the interpreter's lock, costs more than answering a health check
some milliseconds later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

Columns = Mapping[str, list[Any]]
"""A table: column name -> its values, all of one length."""

MOST_ROWS = 1_000
"""Requests are put together up to so many rows: beyond that, little is saved and everybody waits for the last row."""

_GATHER_SECONDS = 0.002
"""After a call for several requests: how long to wait for as many to be there again."""

_QUICK_SECONDS = 0.02
_QUICK_CALLS = 5
"""So many calls, none of which took longer, and the next is made without a thread."""

logger = logging.getLogger("mlops_stacks.serving")


class WrongLengthError(Exception):
    """A model answered with another number of values than it was given rows."""

    def __init__(self, rows: int, values: int) -> None:
        """Say both numbers."""
        super().__init__(f"the model answered {rows} rows with {values} values")


@dataclass(frozen=True, slots=True)
class _Waiting:
    columns: Columns
    rows: int
    answer: asyncio.Future[npt.NDArray[Any]]


class Batcher:
    """Calls a model for one request after the other, or for several at once. Belongs to one event loop."""

    def __init__(self, predict: Callable[[Columns], npt.NDArray[Any]], *, together: bool) -> None:
        """`together`: whether the answer to a row is the same whatever other rows are in the call."""
        self._predict, self._together = predict, together
        self._thread = ThreadPoolExecutor(1, "predict")
        self._waiting: deque[_Waiting] = deque()
        self._busy = False
        self._quick_calls = 0

    async def predict(self, columns: Columns) -> npt.NDArray[Any]:
        """One value per row. Raises what the model raises, and `WrongLengthError`."""
        rows = len(next(iter(columns.values()), ()))
        waiting = _Waiting(columns, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if not self._busy:
            self._busy = True
            # Not at once: what else has arrived by now gets its turn to wait as well.
            asyncio.get_running_loop().call_soon(self._start)
        return await waiting.answer

    def close(self) -> None:
        """End the thread after what it is doing."""
        self._thread.shutdown()

    def _start(self) -> None:
        """Begin the next call, if anybody waits."""
        batch = self._take()
        self._busy = bool(batch)
        if not batch:
            return
        if self._quick_calls >= _QUICK_CALLS and sum(waiting.rows for waiting in batch) <= MOST_ROWS:
            self._settle(batch, self._carry_out(batch))
            asyncio.get_running_loop().call_soon(self._start)
            return
        under_way = asyncio.get_running_loop().run_in_executor(self._thread, self._carry_out, batch)
        under_way.add_done_callback(lambda done: self._done(batch, done))

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        rows = 0
        while self._waiting and (not taken or (self._together and rows + self._waiting[0].rows <= MOST_ROWS)):
            taken.append(self._waiting.popleft())
            rows += taken[-1].rows
        return taken

    def _done(self, batch: list[_Waiting], under_way: asyncio.Future[list[Any]]) -> None:
        if not under_way.cancelled():
            self._settle(batch, under_way.result())
        if len(self._waiting) < len(batch) > 1:
            # Whoever was answered just now is about to ask again; without this wait the first of them goes alone.
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._start)
        else:
            self._start()

    @staticmethod
    def _settle(batch: list[_Waiting], answers: list[Any]) -> None:
        for waiting, answer in zip(batch, answers, strict=True):
            _settle(waiting.answer, answer)

    def _carry_out(self, batch: Sequence[_Waiting]) -> list[Any]:
        """Values or an exception for each, and a note of how long it took."""
        began = time.perf_counter()
        try:
            return self._answers(batch)
        finally:
            quick = time.perf_counter() - began < _QUICK_SECONDS
            self._quick_calls = self._quick_calls + 1 if quick else 0

    def _answers(self, batch: Sequence[_Waiting]) -> list[Any]:
        if len(batch) > 1:
            try:
                return self._call_together(batch)
            except Exception as error:  # noqa: BLE001  whatever a model raises
                # One request can spoil it for all; alone, each gets what it deserves.
                logger.info("%d requests are predicted one by one, together they failed: %r", len(batch), error)
        return [self._call_alone(waiting) for waiting in batch]

    def _call_together(self, batch: Sequence[_Waiting]) -> list[Any]:
        merged = {name: [v for waiting in batch for v in waiting.columns[name]] for name in batch[0].columns}
        values = self._call(merged, sum(waiting.rows for waiting in batch))
        answers, first = [], 0
        for waiting in batch:
            answers.append(values[first : first + waiting.rows])
            first += waiting.rows
        return answers

    def _call_alone(self, waiting: _Waiting) -> Any:
        try:
            return self._call(waiting.columns, waiting.rows)
        except Exception as error:  # noqa: BLE001  it is raised again where the request waits
            return error

    def _call(self, columns: Columns, rows: int) -> npt.NDArray[Any]:
        values = self._predict(columns)
        if len(values) != rows:
            raise WrongLengthError(rows, len(values))
        return values


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():  # whoever asked is gone
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
