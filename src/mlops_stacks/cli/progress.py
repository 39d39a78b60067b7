"""The progress of `up` and `destroy`: a line for each resource, and what took how long."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from mlops_stacks.cli.timings import COLUMNS, Clock, rows
from mlops_stacks.executors.events import Event, EventKind

if TYPE_CHECKING:
    from rich.status import Status

_DONE = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "read": "read",
    "refresh": "refreshed",
}
_GROUPS = ("mlops-stacks:index:", "pulumi:")
"""Types that only group others, or are no resources: not counted."""
_SLOWEST = 5
_WORTH_NAMING = 1.0
"""Seconds from which on a resource is named in the summary."""


class Progress:
    """Shows events as they come. On a terminal a last line says what is being worked on; a pipe gets plain lines."""

    def __init__(self) -> None:
        """Show nothing yet."""
        from mlops_stacks.cli.console import err

        self._console = err()
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}
        self._finished: list[tuple[float, str]] = []
        self.clock = Clock()
        """What took how long, once it is done."""
        self._began = time.monotonic()
        self._scope_began = self._began
        self._scope = ""
        self._counts: Counter[str] = Counter()
        self._status: Status | None = None

    def __enter__(self) -> Progress:
        """Show what is under way, where there is somebody to see it."""
        if self._console.is_terminal:
            self._status = self._console.status("starting", spinner="dots")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        if self._status is not None:
            self._status.stop()

    def begin(self, scope: str) -> None:
        """A scope's turn has come."""
        self._scope, self._scope_began, self._counts = scope, time.monotonic(), Counter()
        self._console.print(scope, style="bold")
        self._show()

    def end(self, remaining: Iterable[str] = ()) -> None:
        """A scope is done; `remaining` are sentences on what deletions left behind."""
        self.clock.scope(self._scope, self._scope_began, time.monotonic())
        what = ", ".join(f"{number} {kind}" for kind, number in self._counts.items()) or "nothing to do"
        self._line(f"  {what} in {time.monotonic() - self._scope_began:.1f} s")
        for sentence in remaining:
            self._line(f"  left: {sentence}", "yellow")

    def observe(self, event: Event) -> None:
        """An observer of an executor; any thread may call it."""
        with self._lock:
            if event.kind is EventKind.STARTED:
                self._under_way[event.urn] = event.name
            elif event.kind in {EventKind.WRITTEN, EventKind.FAILED, EventKind.UNCHANGED}:
                self._under_way.pop(event.urn, None)
            self._show()
            if event.kind is EventKind.WRITTEN:
                self._written(event)
            elif event.kind is EventKind.UNCHANGED and not event.type.startswith(_GROUPS):
                self._counts["unchanged"] += 1
            elif event.kind is EventKind.FAILED:
                self._line(f"  failed     {event.name}  {_kind(event.type)}: {event.message}", "red")

    def summary(self, *, table: bool = False) -> None:
        """How long it took, and what took longest: in a sentence, or in a table if asked for."""
        took = time.monotonic() - self._began
        text = f"Done in {took:.1f} s"
        if table:
            self._line(text)
            self._table()
            return
        slowest = [item for item in sorted(self._finished, reverse=True) if item[0] >= _WORTH_NAMING][:_SLOWEST]
        if slowest:
            text += "; longest: " + ", ".join(f"{name} {seconds:.1f} s" for seconds, name in slowest)
        self._line(text)

    def _table(self) -> None:
        from mlops_stacks.cli.console import aligned

        lines = rows(self.clock.timings())
        for text in aligned(COLUMNS, lines) if lines else ():
            self._line(f"  {text}")

    def _written(self, event: Event) -> None:
        elapsed = event.elapsed or 0.0
        self._finished.append((elapsed, event.name))
        done = _DONE.get(event.message, event.message)
        if not event.type.startswith(_GROUPS):
            now = time.monotonic()
            self.clock.step(self._scope, event.name, _kind(event.type), done, end=now, seconds=elapsed)
        self._counts[done] += 1
        self._line(f"  {done:<9}  {event.name}  {_kind(event.type)}  {elapsed:.1f} s")

    def _line(self, text: str, style: str | None = None) -> None:
        self._console.print(text, style=style, soft_wrap=True)

    def _show(self) -> None:
        if self._status is not None:
            names = ", ".join(sorted(self._under_way.values())[:4])
            more = f" and {len(self._under_way) - 4} more" if len(self._under_way) > 4 else ""
            self._status.update(f"{self._scope}: {names}{more}" if names else self._scope)


def _kind(token: str) -> str:
    """The last part of a type token, which is what one recognises."""
    return token.rsplit(":", 1)[-1].rsplit("/", 1)[-1]
