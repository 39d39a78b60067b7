"""What an executor reports while it works, so that a command line can show progress and tests can stop it anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """Where an operation on one resource stands.

    An operation that changes something reports `started`, `recorded`, `effect`, `written`, in this order, or ends
    with `failed`; a resource that is as it should be reports `unchanged` alone.
    """

    STARTED = "started"
    """The operation is about to begin; nothing has been written."""

    RECORDED = "recorded"
    """The state file names the pending operation; nothing has been done yet."""

    EFFECT = "effect"
    """The side effect is done; the state file does not know it yet."""

    WRITTEN = "written"
    """The state file holds the result."""

    UNCHANGED = "unchanged"
    """The resource was looked at and is as it should be."""

    FAILED = "failed"
    """The operation failed; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of one operation.

    `elapsed` is in seconds since the executor began with this resource, and None at `started`. `message` is the
    operation (`create`, `update`, `replace`, `delete`), or the reason at `failed`.
    """

    kind: EventKind
    urn: str
    type: str
    name: str
    elapsed: float | None
    message: str


Observer = Callable[[Event], None]
"""Is told every event, one at a time, from whichever thread does the work."""


def ignore(_event: Event) -> None:
    """An observer that does nothing."""
