"""What can go wrong in an embedded run. Every message is one sentence that says how to mend it."""

from __future__ import annotations

from mlops_stacks.executors.protocol import NotDeployedError


class ExecutorError(Exception):
    """An embedded run was refused or stopped."""


class StateError(ExecutorError):
    """The state folder or a state file cannot be used."""


class NoOutputsError(StateError, NotDeployedError):
    """No `up` of a stack has ended yet."""


class CorruptStateError(StateError):
    """A state file does not hold what was written to it; it was left as it is and a copy kept aside."""


class StackBusyError(ExecutorError):
    """Another run holds the stack."""


class UnsupportedError(ExecutorError):
    """The program asks for something that only the Pulumi CLI can do."""


class ProtectedError(ExecutorError):
    """Something that would be deleted is protected."""


class OperationError(ExecutorError):
    """An operation on one resource failed, or took longer than its limit."""


class DestroyError(ExecutorError):
    """Something could not be deleted. `deleted` are the URNs that are gone, `remaining` sentences on what is left."""

    def __init__(self, message: str, deleted: tuple[str, ...], remaining: tuple[str, ...]) -> None:
        super().__init__(message)
        self.deleted = deleted
        self.remaining = remaining
