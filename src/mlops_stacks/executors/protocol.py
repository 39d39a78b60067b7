"""What the commands need of an executor. No pulumi here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mlops_stacks.executors.names import StackIdentity


class NotDeployedError(Exception):
    """A stack has no outputs, because no `up` of it has ended yet."""


@dataclass(frozen=True)
class UpResult:
    """What an `up` came to: the stack's outputs without secrets, the URNs by what became of them, what is left."""

    outputs: dict[str, Any]
    created: tuple[str, ...]
    updated: tuple[str, ...]
    replaced: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: tuple[str, ...]
    remaining: tuple[str, ...] = ()
    """Sentences on what deletions left behind."""


@dataclass(frozen=True)
class DestroyResult:
    """What a `destroy` deleted, by URN, and sentences on what is left on purpose or in spite of it."""

    deleted: tuple[str, ...]
    remaining: tuple[str, ...]


class Executor(Protocol):
    """Carries a composed program out, and remembers what it made."""

    def up(self, program: Callable[[], None], identity: StackIdentity) -> UpResult:
        """Bring a stack to what the program says; the result says what was created, updated, replaced, deleted."""

    def refuse_protected(self, identity: StackIdentity) -> None:
        """Raise the executor's own error, which names it, while anything of a stack is protected. Changes nothing."""

    def destroy(self, identity: StackIdentity) -> DestroyResult:
        """Take a stack away; the result says what remains."""

    def outputs(self, stack: str) -> Mapping[str, Any]:
        """What a stack exported last, without secrets. Raises `NotDeployedError`."""
