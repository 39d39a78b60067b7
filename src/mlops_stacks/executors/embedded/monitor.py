"""The resource monitor of an embedded run: settles each registration as it comes and answers with its outputs.

When one resource fails the run stops: operations under way are completed and written, nothing new is begun.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import resource_pb2

from mlops_stacks.executors.embedded.errors import ExecutorError, StateError, UnsupportedError
from mlops_stacks.executors.embedded.goal import Goal, Parent, as_parent, read_goal
from mlops_stacks.executors.embedded.operations import Operator
from mlops_stacks.executors.embedded.reconcile import Outcome, Reconciler, Settled
from mlops_stacks.executors.embedded.refresh import Refresher
from mlops_stacks.executors.embedded.state import Entry
from mlops_stacks.executors.embedded.store import read, state_path
from mlops_stacks.executors.embedded.values import Bag, Sealed, from_struct, seal, to_struct
from mlops_stacks.executors.in_process import InProcessMonitor, StackIdentity
from mlops_stacks.executors.planned_requests import STACK_REFERENCE_TYPE, STACK_TYPE, new_urn


class StoppedError(ExecutorError):
    """Something else failed first."""


class EmbeddedMonitor(InProcessMonitor):
    """Settles what a program registers. `outcomes` by URN, `outputs` of the stack and `failures` are its results."""

    def __init__(self, operator: Operator, refresher: Refresher, identity: StackIdentity, folder: Path) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.outputs = Bag({})
        self.failures: list[Exception] = []
        self._operator = operator
        self._identity = identity
        self._folder = folder
        self._reconciler = Reconciler(operator, refresher, self._reserve)
        self._parents: dict[str, Parent] = {}
        self._claimed: set[str] = set()
        self._reserved: set[str] = set()
        self._condition = threading.Condition()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Make one resource what the program asks for."""
        with self._or_stop():
            goal = read_goal(request, self._parents.get(request.parent), self._identity.project, self._identity.stack)
            settled = self._register(goal)
            answer = to_struct(settled.outputs) if goal.draft.custom else request.object
            return resource_pb2.RegisterResourceResponse(urn=goal.urn, id=settled.entry.id, object=answer)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep the outputs of a component; those of the stack count only once the whole run has succeeded."""
        with self._or_stop():
            outputs = from_struct(request.outputs, "the outputs of " + request.urn.split("::", 3)[3])
            with self._operator.store.look() as state:
                entry = state.resources[request.urn]
            if entry.type == STACK_TYPE:
                self.outputs = outputs
            else:
                self._keep(replace(entry, outputs=seal(outputs, entry.outputs)), entry)
            return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Answer a stack reference from that stack's state file; a secret output stays behind, it is not stored."""
        with self._or_stop():
            if request.type != STACK_REFERENCE_TYPE:
                raise UnsupportedError(
                    f"{request.name} reads an existing resource of type {request.type}, which needs a provider plugin; "
                    "use the Pulumi CLI executor (--executor pulumi)"
                )
            outputs = self._outputs_of(request.id)
            answer = Bag({"name": request.id, "outputs": outputs.values, "secretOutputNames": sorted(outputs.digests)})
            urn = new_urn(self._identity.project, self._identity.stack, request.parent, request.type, request.name)
            return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=to_struct(answer))

    def _register(self, goal: Goal) -> Settled:
        names = {goal.urn, *goal.aliases}
        with self._condition:
            if goal.urn in self._parents:
                raise UnsupportedError(
                    f"the program registers {goal.draft.name} ({goal.draft.type}) twice; give one another name"
                )
            self._condition.wait_for(lambda: self._reserved.isdisjoint(names))
            self._parents[goal.urn] = as_parent(goal)
            self._claimed |= names
        entry = self._adopted(goal)
        settled = self._reconciler.settle(goal, entry) if goal.draft.custom else self._component(goal, entry)
        self.outcomes[goal.urn] = settled.outcome
        return settled

    def _component(self, goal: Goal, entry: Entry | None) -> Settled:
        """A component exists in the state only, so it is written with the next operation, or at the end."""
        kept = goal.applied_to(entry) if entry else goal.draft
        self._keep(kept, entry)
        return Settled(kept, Bag({}), Outcome.UNCHANGED if entry else Outcome.CREATED)

    def _keep(self, entry: Entry, known: Entry | None) -> None:
        if entry != known:
            with self._operator.store.edit() as state:
                state.resources[entry.urn] = entry

    def _adopted(self, goal: Goal) -> Entry | None:
        """What the state has under this URN, or under an alias that nothing in the program has taken."""
        with self._operator.store.look() as state:
            known = {*state.resources, *(left.urn for left in state.unfinished_creates())}
            formers = [urn for urn in goal.aliases if urn in known and urn not in self._parents]
            if goal.urn in known or not formers:
                return state.resources.get(goal.urn)
        with self._operator.store.edit() as state:
            state.rename(formers[0], goal.draft)
            entry = state.resources.get(goal.urn)
        self._operator.store.commit()
        return entry

    def _outputs_of(self, name: str) -> Sealed:
        _, _, stack = name.rpartition("/")
        state = read(state_path(self._folder, stack))
        if state is None or state.outputs is None:
            raise StateError(
                f"this stack reads the outputs of {stack}, which has none yet; run up for {stack} first and to its end"
            )
        if name.count("/") and name.split("/")[-2] != state.project:
            raise StateError(
                f"this stack reads the outputs of {name}, but the state of {stack} belongs to project {state.project}; "
                "correct the reference"
            )
        return state.outputs

    @contextmanager
    def _or_stop(self) -> Iterator[None]:
        if self.failures:
            raise StoppedError("another resource failed, so nothing more is begun")
        try:
            yield
        except Exception as error:
            with self._condition:
                self.failures.append(error)
            raise

    @contextmanager
    def _reserve(self, urns: frozenset[str]) -> Iterator[frozenset[str]]:
        # All at once or none: whoever holds a reservation waits for nothing, so nobody waits for ever.
        with self._condition:
            self._condition.wait_for(lambda: self._reserved.isdisjoint(urns))
            unregistered = urns - self._claimed
            self._reserved |= unregistered
        try:
            yield unregistered
        finally:
            with self._condition:
                self._reserved -= unregistered
                self._condition.notify_all()
