"""What the commands need of an executor. No pulumi here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mlops_stacks.executors.names import StackIdentity


class NotDeployedError(Exception):
    """A stack has no outputs, because no `up` of it has ended yet."""


class Executor(Protocol):
    """Carries a composed program out, and remembers what it made."""

    def up(self, program: Callable[[], None], identity: StackIdentity) -> Any:
        """Bring a stack to what the program says; the result says what was created, updated, replaced, deleted."""

    def refuse_protected(self, identity: StackIdentity) -> None:
        """Raise the executor's own error, which names it, while anything of a stack is protected. Changes nothing."""

    def destroy(self, identity: StackIdentity) -> Any:
        """Take a stack away; the result says what remains."""

    def outputs(self, stack: str) -> Mapping[str, Any]:
        """What a stack exported last, without secrets. Raises `NotDeployedError`."""
