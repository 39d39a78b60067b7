"""The operations that change something, each in the same four steps: say so, record it, do it, write it down.

The record holds what it takes to finish or undo the operation, so the run may be killed between any two steps. What a
provider owes in return: create, update and delete may be repeated, and delete works from the inputs alone, because a
kill can come before the outputs are known.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mlops_stacks.executors.embedded.dynamic import Provider
from mlops_stacks.executors.embedded.errors import ExecutorError, OperationError
from mlops_stacks.executors.embedded.state import Entry, Operation, Pending, State
from mlops_stacks.executors.embedded.store import Store
from mlops_stacks.executors.embedded.values import (
    PROVIDER,
    Bag,
    Sealed,
    changed_keys,
    mark_secrets,
    seal,
    secret_texts,
    unseal,
)
from mlops_stacks.executors.events import Event, EventKind, Observer

_NOTHING = Bag({})


@dataclass
class Course:
    """One operation under way: what to tell, and since when."""

    entry: Entry
    message: str
    begun: float
    observer: Observer
    failed: bool = False

    def tell(self, kind: EventKind, message: str | None = None) -> None:
        """Report a step; a failure is reported once, by whoever knows of it first."""
        if self.failed:
            return
        self.failed = kind is EventKind.FAILED
        elapsed = None if kind is EventKind.STARTED else time.monotonic() - self.begun
        self.observer(Event(kind, self.entry.urn, self.entry.type, self.entry.name, elapsed, message or self.message))


class Operator:
    """Carries operations out against one store."""

    def __init__(self, store: Store, observer: Observer, project: str) -> None:
        self.store = store
        self._project = project
        self._observer = observer
        self._telling = threading.Lock()

    def provider(self, entry: Entry, properties: Sealed | None = None) -> Provider:
        """The provider of a resource, from the given properties or from those that it has."""
        pickled = (properties or entry.outputs).values.get(PROVIDER) or entry.inputs.values[PROVIDER]
        return Provider(pickled, self._project, entry.name, entry.timeouts)

    def course(self, entry: Entry, message: str, begun: float | None = None) -> Course:
        """Begin to report on a resource."""
        return Course(entry, message, time.monotonic() if begun is None else begun, self._tell)

    def create(
        self,
        course: Course,
        draft: Entry,
        inputs: Bag,
        secret_outputs: frozenset[str],
        former: Entry | None,
        *,
        gone: bool,
    ) -> tuple[Entry, Bag]:
        """Make what `draft` says. `former` had its URN: it is forgotten if `gone`, else kept to be deleted later."""
        draft = replace(draft, inputs=seal(inputs, Sealed()))

        def begin(state: State) -> None:
            for left in state.unfinished_creates(draft.urn):
                state.settle(left.key)
            if former and gone:
                state.drop(former)

        def end(state: State) -> None:
            if former and not gone:
                state.doomed[former.key] = former

        with self._steps(course, Operation.CREATE, draft, begin, inputs) as finish:
            id_, outputs = self.provider(draft, draft.inputs).create(inputs.values)
            bag = mark_secrets(outputs, inputs, secret_outputs)
            if any(text in id_ for text in secret_texts(inputs)):
                raise OperationError(f"the provider of {draft.name} put a secret into its id, which would be stored")
            return finish(replace(draft, id=id_, outputs=seal(bag, Sealed())), end), bag

    def update(self, course: Course, entry: Entry, inputs: Bag, secret_outputs: frozenset[str]) -> tuple[Entry, Bag]:
        """Bring a resource from what it is, or from what an unfinished update may have made it, to `inputs`."""
        with self.store.look() as state:
            tried = state.unfinished_updates(entry.key)
        known = unseal(entry.outputs, inputs)
        befores = [
            {**known.values, **unseal(attempt, inputs).values} for attempt in tried if changed_keys(attempt, inputs)
        ]
        wanted = replace(entry, inputs=seal(inputs, entry.inputs))
        with self._steps(course, Operation.UPDATE, wanted, _nothing, inputs) as finish:
            provider = self.provider(wanted, wanted.inputs)
            for before in befores:
                provider.update(entry.id, before, inputs.values)
            outputs = provider.update(entry.id, known.values, inputs.values)
            bag = mark_secrets(outputs, inputs, secret_outputs)
            return finish(replace(wanted, outputs=seal(bag, entry.outputs)), _nothing), bag

    def delete(self, course: Course, entry: Entry, source: Bag = _NOTHING) -> tuple[str, ...]:
        """Take away a resource, or whatever a create that was never completed left; returns what is still there."""
        with self.store.look() as state:
            tried = state.unfinished_updates(entry.key)
        properties = unseal(entry.outputs if entry.id else entry.inputs, source).values
        variants = [{**properties, **attempt.values} for attempt in tried if attempt.values != entry.inputs.values]
        with self._steps(course, Operation.DELETE, entry, _nothing, source) as finish:
            provider = self.provider(entry)
            for variant in [*variants, properties]:
                provider.delete(entry.id, variant)
            residue = provider.residue(entry.id, properties)
            finish(None, lambda state: state.drop(entry))
            return residue

    @contextmanager
    def _steps(
        self, course: Course, operation: Operation, entry: Entry, begin: Change, inputs: Bag
    ) -> Iterator[Finish]:
        course.tell(EventKind.STARTED)
        try:
            with self.store.edit() as state:
                begin(state)
                state.forget_attempt(operation, entry.key, inputs)
                state.pending.append(Pending(operation, entry, time.time(), os.getpid()))
            self.store.commit()
            course.tell(EventKind.RECORDED)

            def finish(result: Entry | None, end: Change) -> Entry:
                course.tell(EventKind.EFFECT)
                with self.store.edit() as state:
                    end(state)
                    if result:
                        state.settle(result.key)
                        state.resources[result.urn] = result
                self.store.commit()
                return result or entry

            yield finish
        except ExecutorError as error:
            message = _redacted(str(error), inputs)
            course.tell(EventKind.FAILED, message)
            raise type(error)(message) from error
        course.tell(EventKind.WRITTEN)

    def _tell(self, event: Event) -> None:
        with self._telling:
            self._observer(event)


Change = Callable[[State], None]
Finish = Callable[[Entry | None, Change], Entry]


def _nothing(_state: State) -> None:
    """No further change."""


def _redacted(message: str, inputs: Bag) -> str:
    for text in secret_texts(inputs):
        message = message.replace(text, "[secret]")
    return message
