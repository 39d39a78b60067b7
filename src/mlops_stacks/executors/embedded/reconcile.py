"""Brings one dynamic resource from what is to what the program asks for: refresh, check, diff, then one operation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum

from mlops_stacks.executors.embedded.deletion import delete_all
from mlops_stacks.executors.embedded.dependents import replaced_with
from mlops_stacks.executors.embedded.errors import ExecutorError, OperationError, ProtectedError
from mlops_stacks.executors.embedded.goal import Goal
from mlops_stacks.executors.embedded.operations import Course, Operator
from mlops_stacks.executors.embedded.refresh import Refresher, Seen
from mlops_stacks.executors.embedded.state import Entry, Operation
from mlops_stacks.executors.embedded.values import Bag, Sealed, changed_keys, mark_secrets, seal, unseal
from mlops_stacks.executors.events import EventKind


class Outcome(StrEnum):
    """What became of a resource."""

    CREATED = "created"
    UPDATED = "updated"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


class Verdict(StrEnum):
    """What a diff asks for."""

    SAME = "same"
    UPDATE = "update"
    REPLACE = "replace"
    REPLACE_DELETING_FIRST = "replace, deleting first"


@dataclass(frozen=True)
class Settled:
    """A resource as it now is, with its outputs in the clear for the program."""

    entry: Entry
    outputs: Bag
    outcome: Outcome


Reserve = Callable[[frozenset[str]], AbstractContextManager[frozenset[str]]]
"""Keeps the program from registering the given URNs meanwhile; says which of them it has not registered yet."""


class Reconciler:
    """Settles resources one by one; threads may settle different resources at once."""

    def __init__(self, operator: Operator, refresher: Refresher, reserve: Reserve) -> None:
        self._operator = operator
        self._refresher = refresher
        self._reserve = reserve

    def settle(self, goal: Goal, entry: Entry | None) -> Settled:
        """Make the resource what the program asks for. `entry` is what the state has under its URN."""
        course = self._operator.course(goal.draft, "check")
        try:
            return self._settle(goal, entry, course)
        except ExecutorError as error:
            course.tell(EventKind.FAILED, str(error))
            raise

    def _settle(self, goal: Goal, entry: Entry | None, course: Course) -> Settled:
        seen = self._refresher.look(entry, goal.inputs, goal.secret_outputs) if entry else None
        inputs = self._checked(goal, entry)
        resumed = self._clear_unfinished_creates(goal, inputs)
        if entry is None:
            return self._create(goal, inputs, course, None, Outcome.CREATED)
        if resumed:
            return self._create(goal, inputs, course, entry, Outcome.REPLACED)
        if seen is None or self._is_being_deleted(entry):
            return self._recreate(goal, inputs, course, entry)
        match self._verdict(goal, entry, seen, inputs):
            case Verdict.SAME:
                return self._keep(goal, inputs, course, entry, seen)
            case Verdict.UPDATE:
                return self._update(goal, inputs, course, entry)
            case Verdict.REPLACE:
                _refuse_protected(goal)
                return self._create(goal, inputs, course, entry, Outcome.REPLACED)
            case Verdict.REPLACE_DELETING_FIRST:
                _refuse_protected(goal)
                self._delete_with_dependents(entry)
                return self._create(goal, inputs, course, None, Outcome.REPLACED)

    def _is_being_deleted(self, entry: Entry) -> bool:
        """Whether it may be half gone, in which case a provider's word that it is there means little."""
        with self._operator.store.look() as state:
            return state.is_being_deleted(entry.key)

    def _clear_unfinished_creates(self, goal: Goal, inputs: Bag) -> bool:
        """Undo interrupted creates that are no longer asked for; whether one is, and is to be completed."""
        with self._operator.store.look() as state:
            unfinished = state.unfinished_creates(goal.urn)
        for left in unfinished:
            if changed_keys(left.inputs, inputs):
                self._delete(left, goal.inputs)
        return any(not changed_keys(left.inputs, inputs) for left in unfinished)

    def _checked(self, goal: Goal, entry: Entry | None) -> Bag:
        old = unseal(entry.inputs, goal.inputs).values if entry else {}
        news = dict(goal.inputs.values)
        for key in goal.ignore_changes if entry else ():
            news.pop(key, None)
            if key in old:
                news[key] = old[key]
        provider = self._operator.provider(goal.draft, Sealed(goal.inputs.values))
        values, failures = provider.check(old, news)
        if failures:
            reasons = "; ".join(f"{failure.property}: {failure.reason}" for failure in failures)
            raise OperationError(f"{goal.draft.name} has inputs that its provider refuses: {reasons}")
        return mark_secrets(values, goal.inputs, ())

    def _verdict(self, goal: Goal, entry: Entry, seen: Seen, inputs: Bag) -> Verdict:
        provider = self._operator.provider(goal.draft, Sealed(inputs.values))
        answer = provider.diff(entry.id, seen.outputs.values, inputs.values)
        changed = changed_keys(entry.inputs if seen.inputs is None else Sealed(seen.inputs), inputs)
        watched = changed if "*" in goal.replace_on_changes else changed & goal.replace_on_changes
        if answer.replaces or watched:
            first = goal.delete_before_replace
            first = answer.delete_before_replace if first is None else first
            return Verdict.REPLACE_DELETING_FIRST if first else Verdict.REPLACE
        with self._operator.store.look() as state:
            interrupted = bool(state.unfinished_updates(entry.key))
        unlike = bool(changed or seen.drifted) if answer.changes is None else answer.changes
        return Verdict.UPDATE if unlike or interrupted else Verdict.SAME

    def _keep(self, goal: Goal, inputs: Bag, course: Course, entry: Entry, seen: Seen) -> Settled:
        outputs = _with_secret_inputs(seen.outputs, entry.outputs, inputs)
        for key in entry.outputs.digests.keys() - outputs.values.keys():
            raise OperationError(
                f"the output {key} of {entry.name} is a secret, which is never stored, and its provider does not read "
                "it again; let its read return it, or pass it in as an input of the same name"
            )
        kept = replace(
            goal.applied_to(entry),
            inputs=seal(inputs, entry.inputs),
            outputs=seal(outputs, entry.outputs),
        )
        if kept != entry:
            with self._operator.store.edit() as state:
                state.resources[kept.urn] = kept
            self._operator.store.commit()
        course.tell(EventKind.UNCHANGED, Verdict.SAME)
        return Settled(kept, outputs, Outcome.UNCHANGED)

    def _create(
        self, goal: Goal, inputs: Bag, course: Course, former: Entry | None, outcome: Outcome, *, gone: bool = False
    ) -> Settled:
        self._refresher.invalidate()
        course.message = "replace" if outcome is Outcome.REPLACED else Operation.CREATE
        entry, outputs = self._operator.create(course, goal.draft, inputs, goal.secret_outputs, former, gone=gone)
        return Settled(entry, outputs, outcome)

    def _recreate(self, goal: Goal, inputs: Bag, course: Course, entry: Entry) -> Settled:
        """What is gone, wholly or half, is made again in place; if it is to be otherwise, its leftovers go first."""
        with self._operator.store.look() as state:
            moved = bool(changed_keys(entry.inputs, inputs) or state.unfinished_updates(entry.key))
        if moved:
            _refuse_protected(goal)
            self._delete(entry, goal.inputs)
            return self._create(goal, inputs, course, None, Outcome.CREATED)
        return self._create(goal, inputs, course, entry, Outcome.CREATED, gone=True)

    def _update(self, goal: Goal, inputs: Bag, course: Course, entry: Entry) -> Settled:
        self._refresher.invalidate()
        course.message = Operation.UPDATE
        updated, outputs = self._operator.update(course, goal.applied_to(entry), inputs, goal.secret_outputs)
        return Settled(updated, outputs, Outcome.UPDATED)

    def _delete(self, entry: Entry, source: Bag) -> None:
        self._refresher.invalidate()
        self._operator.delete(self._operator.course(entry, Operation.DELETE), entry, source)

    def _delete_with_dependents(self, entry: Entry) -> None:
        """Delete before replacing, and before that every dependent that cannot do without, to be made again later."""
        self._refresher.invalidate()
        with self._operator.store.look() as state:
            urns = frozenset(state.resources.keys() - {entry.urn})
        with self._reserve(urns) as unregistered:
            with self._operator.store.look() as state:
                candidates = [state.resources[urn] for urn in state.resources if urn in unregistered]
            going = [*replaced_with(self._operator, entry, candidates), entry]
            for other in going[:-1]:
                _refuse_to_delete(other, entry)
            failures = delete_all(self._operator, going, workers=1).failures
        for failure in failures.values():
            raise OperationError(failure)


def _with_secret_inputs(outputs: Bag, stored: Sealed, inputs: Bag) -> Bag:
    """The outputs with those secrets put back that are inputs too, as a provider sees them only while it makes them."""
    missing = stored.digests.keys() - outputs.values.keys()
    found = {key: inputs.values[key] for key in missing if key in inputs.values}
    return Bag({**outputs.values, **found}, outputs.secrets | found.keys())


def _refuse_protected(goal: Goal) -> None:
    if goal.draft.protect:
        raise ProtectedError(
            f"{goal.draft.name} would have to be replaced, but it is protected; "
            "take the protection away, or undo the change"
        )


def _refuse_to_delete(dependent: Entry, entry: Entry) -> None:
    if dependent.protect:
        raise ProtectedError(
            f"{dependent.name} would have to be replaced together with {entry.name}, but it is protected; "
            "take the protection away and run up first, or undo the change"
        )
