"""Carries a composed program out in this process, without the Pulumi CLI: components and dynamic resources only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_stacks.executors.embedded.deletion import Deletions, delete_all, everything, refuse_protected
from mlops_stacks.executors.embedded.errors import DestroyError, NoOutputsError, OperationError, StateError
from mlops_stacks.executors.embedded.lock import Lock, held, unwritable
from mlops_stacks.executors.embedded.monitor import EmbeddedMonitor
from mlops_stacks.executors.embedded.operations import Operator
from mlops_stacks.executors.embedded.reconcile import Outcome
from mlops_stacks.executors.embedded.refresh import Refresher
from mlops_stacks.executors.embedded.state import Entry, State
from mlops_stacks.executors.embedded.store import Store, read, state_path
from mlops_stacks.executors.embedded.values import Sealed, seal, tidy
from mlops_stacks.executors.events import Observer, ignore
from mlops_stacks.executors.in_process import StackIdentity, run_program
from mlops_stacks.executors.protocol import DestroyResult, UpResult
from mlops_stacks.plan import SECRET

DEFAULT_WORKERS = 8
"""Operations side by side: local operations mostly wait for processes to come up or go down."""


class EmbeddedExecutor:
    """Runs stacks whose state is kept in one folder. Secrets are never stored: see `values`."""

    def __init__(self, state_directory: Path, observer: Observer = ignore, *, workers: int = DEFAULT_WORKERS) -> None:
        self._folder = state_directory
        self._observer = observer
        self._workers = workers

    def up(self, program: Callable[[], None], identity: StackIdentity) -> UpResult:
        """Make everything as the program says, and delete what it no longer mentions.

        Raises an `ExecutorError` for what cannot be done, and whatever the program itself raises. What was done until
        then stays and is in the state.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(unwritable(self._folder, error)) from error
        with self._opened(identity) as (store, _):
            operator = Operator(store, self._observer, identity.project)
            before = self._delete_replaced(operator)
            monitor = self._run(program, operator, identity)
            after = self._delete_unregistered(operator, monitor)
            outputs = self._conclude(store, monitor)
        return _up_result(monitor.outcomes, outputs, before, after)

    def refuse_protected(self, identity: StackIdentity) -> None:
        """Raise `ProtectedError` while anything of a stack is protected; it changes nothing."""
        state = read(state_path(self._folder, identity.stack))
        refuse_protected(everything(state) if state else ())

    def destroy(self, identity: StackIdentity) -> DestroyResult:
        """Delete everything of a stack, or nothing at all while anything in it is protected.

        Raises `ProtectedError`, or `DestroyError` after everything that could be deleted has been.
        """
        if not self._folder.is_dir():
            return DestroyResult((), ())
        with self._opened(identity) as (store, lock):
            with store.edit() as state:
                refuse_protected(everything(state))
                state.outputs = None
                entries = everything(state)
            result = delete_all(Operator(store, self._observer, identity.project), entries, self._workers)
            if result.failures:
                raise _destroy_failed(identity.stack, result)
            store.remove()
            lock.remove()
        return DestroyResult(tuple(result.deleted), tuple(result.remaining))

    def outputs(self, stack: str) -> dict[str, Any]:
        """The outputs of a stack's last complete `up`, secrets masked; `StateError` if there was none."""
        state = read(state_path(self._folder, stack))
        if state is None or state.outputs is None:
            raise NoOutputsError(f"stack {stack} has no outputs yet; run up for it first and to its end")
        return _shown(state.outputs)

    def resources(self, stack: str) -> tuple[Entry, ...]:
        """What the state has of a stack, none if there is no state."""
        state = read(state_path(self._folder, stack))
        return tuple(state.resources.values()) if state else ()

    @contextmanager
    def _opened(self, identity: StackIdentity) -> Iterator[tuple[Store, Lock]]:
        with held(self._folder / f"{identity.stack}.lock", identity.stack) as lock:
            path = state_path(self._folder, identity.stack)
            state = read(path) or State(identity.project, identity.stack)
            if (state.project, state.stack) != (identity.project, identity.stack):
                raise StateError(
                    f"the state file {path} belongs to stack {state.stack} of project {state.project}, not to "
                    f"{identity.stack} of {identity.project}; choose another state folder"
                )
            yield Store(path, state), lock

    def _delete_replaced(self, operator: Operator) -> Deletions:
        """What an interrupted run had replaced goes first, lest a new resource take its place and be deleted for it."""
        with operator.store.look() as state:
            doomed = list(state.doomed.values())
        return self._delete(operator, doomed)

    def _run(self, program: Callable[[], None], operator: Operator, identity: StackIdentity) -> EmbeddedMonitor:
        refresher = Refresher(operator, self._workers)
        monitor = EmbeddedMonitor(operator, refresher, identity, self._folder)
        with operator.store.look() as state:
            refresher.begin(state.resources.values())
        try:
            run_program(program, monitor, identity, dry_run=False, workers=self._workers)
        except Exception:
            # The SDK passes on whichever exception reached it first, which may be a consequence.
            if monitor.failures:
                raise monitor.failures[0] from None
            raise
        finally:
            refresher.end()
            operator.store.commit()
        return monitor

    def _delete_unregistered(self, operator: Operator, monitor: EmbeddedMonitor) -> Deletions:
        with operator.store.look() as state:
            registered = monitor.outcomes.keys()
            going = [e for e in everything(state) if e.urn not in registered or e.key in state.doomed]
        refuse_protected(going)
        return self._delete(operator, going)

    def _delete(self, operator: Operator, entries: list[Entry]) -> Deletions:
        result = delete_all(operator, entries, self._workers)
        for failure in result.failures.values():
            raise OperationError(failure)
        return result

    def _conclude(self, store: Store, monitor: EmbeddedMonitor) -> dict[str, Any]:
        with store.look() as state:
            outputs = seal(monitor.outputs, state.outputs or Sealed())
            changed = outputs != state.outputs
        if changed:
            with store.edit() as state:
                state.outputs = outputs
            store.commit()
        return _shown(outputs)


def _shown(outputs: Sealed) -> dict[str, Any]:
    return {**tidy(outputs.values), **dict.fromkeys(outputs.digests, SECRET)}


def _up_result(outcomes: dict[str, Outcome], outputs: dict[str, Any], before: Deletions, after: Deletions) -> UpResult:
    by_outcome = {outcome: tuple(urn for urn, its in outcomes.items() if its is outcome) for outcome in Outcome}
    gone = (urn for urn in (*before.deleted, *after.deleted) if urn not in outcomes)
    return UpResult(
        outputs=outputs,
        created=by_outcome[Outcome.CREATED],
        updated=by_outcome[Outcome.UPDATED],
        replaced=by_outcome[Outcome.REPLACED],
        deleted=tuple(gone),
        unchanged=by_outcome[Outcome.UNCHANGED],
        remaining=(*before.remaining, *after.remaining),
    )


def _destroy_failed(stack: str, result: Deletions) -> DestroyError:
    reasons = "; ".join(result.failures.values())
    return DestroyError(
        f"stack {stack} was not destroyed completely: {reasons}; mend that and run destroy again",
        tuple(result.deleted),
        (*result.remaining, *(f"{urn} is still there" for urn in result.failures)),
    )
