"""Runs of `up` and `destroy` in processes of their own, which kill themselves with SIGKILL at a chosen event."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from pathlib import Path

from integration_platform import carry_out

from mlops_stacks.executors.events import Event

Moment = tuple[str, str, str]
"""Kind of an event, URN of its resource or the end of it, and the operation; of any operation where that is empty."""

_BOOKKEEPING = threading.Lock()
"""Whoever starts a process collects those that have ended; two threads that collect the same one lose its exit code."""


def moment(event: Event) -> Moment:
    """What tells an event from all others of a run, whatever the order in which they come."""
    return (event.kind.value, event.urn, event.message)


def _run(blueprint: Path, action: str, last: Moment | None) -> None:
    def observe(event: Event) -> None:
        if last and event.kind == last[0] and event.urn.endswith(last[1]) and last[2] in ("", event.message):
            os.kill(os.getpid(), signal.SIGKILL)

    carry_out(blueprint, action, observe)


def run(blueprint: Path, action: str, last: Moment | None = None) -> None:
    """Carry out an action in a process of its own: to its end, or until it kills itself at its `last` moment."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed_runs"])
    process = context.Process(target=_run, args=(blueprint, action, last))
    with _BOOKKEEPING:
        process.start()
    wait([process.sentinel])
    with _BOOKKEEPING:
        process.join()
        code = process.exitcode
        process.close()
    assert code == (0 if last is None else -signal.SIGKILL), f"{action} with its last moment {last} ended with {code}"
