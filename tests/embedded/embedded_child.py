"""Runs of the embedded executor in a process of their own, which kill themselves with SIGKILL at a chosen event."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

from embedded_sample import variant

from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.events import Event
from mlops_stacks.executors.in_process import StackIdentity

NEVER = 10**6


def world_folder(root: Path) -> Path:
    """Where the effects of a run lie."""
    return root / "world"


def executor(root: Path, kill_at: int = NEVER, workers: int = 1) -> EmbeddedExecutor:
    """An executor that dies at event number `kill_at`, counted from nought."""
    numbers = itertools.count()

    def observe(_event: Event) -> None:
        if next(numbers) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return EmbeddedExecutor(root / "state", observe, workers=workers)


def identity(root: Path) -> StackIdentity:
    """The stack that the tests run as."""
    return StackIdentity("sample", "flights-dev", root)


def program_of(make: Callable[[], object]) -> Callable[[], None]:
    """A program that makes one thing and returns nothing, as programs do."""

    def program() -> None:
        make()

    return program


def run(root: Path, action: str, kill_at: int = NEVER, workers: int = 1) -> None:
    """`action` is the letter of a program, or `destroy`."""
    one = executor(root, kill_at, workers)
    if action == "destroy":
        one.destroy(identity(root))
    else:
        one.up(variant(world_folder(root), action), identity(root))


def killed(root: Path, action: str, kill_at: int, workers: int = 1) -> bool:
    """Run in a process of its own; whether it was killed rather than came to its end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["embedded_child"])
    process = context.Process(target=run, args=(root, action, kill_at, workers))
    process.start()
    process.join()
    code = process.exitcode
    process.close()
    assert code in (0, -signal.SIGKILL), f"the run ended with {code}"
    return code != 0
