"""What the commands need of an executor. No pulumi here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mlops_stacks.executors.names import StackIdentity


class Executor(Protocol):
    """Carries a composed program out, and remembers what it made."""

    def up(self, program: Callable[[], None], identity: StackIdentity) -> Any:
        """Bring a stack to what the program says; the result says what was created, updated, replaced, deleted."""

    def destroy(self, identity: StackIdentity) -> Any:
        """Take a stack away; the result says what remains."""

    def outputs(self, stack: str) -> Mapping[str, Any]:
        """What a stack exported last; empty where it was never brought up."""
