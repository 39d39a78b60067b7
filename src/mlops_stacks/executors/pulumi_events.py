"""What Pulumi's engine reports, in the words of `events`, and summed up."""

from __future__ import annotations

import re
import time

from pulumi.automation import EngineEvent, OpType, StepEventMetadata

from mlops_stacks.executors.events import Event, EventKind, Observer

_WORDS = {
    OpType.SAME: "same",
    OpType.CREATE: "create",
    OpType.UPDATE: "update",
    OpType.CREATE_REPLACEMENT: "replace",
    OpType.DELETE: "delete",
    OpType.IMPORT: "create",
}
"""Engine's operation -> ours. Those that are left out are steps of one that is here, or only look."""

_COLOUR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")


class EventLog:
    """Receives every event of one run, tells an observer of each operation, and remembers what became of what."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._began: dict[str, float] = {}
        self._done: dict[str, list[str]] = {}
        self._errors: list[str] = []

    @property
    def errors(self) -> tuple[str, ...]:
        """What the engine called an error, each once, without colour."""
        return tuple(dict.fromkeys(self._errors))

    def urns(self, word: str) -> tuple[str, ...]:
        """The URNs to which this was done: `create`, `update`, `replace`, `delete`, `same` or `retain`."""
        return tuple(dict.fromkeys(self._done.get(word, ())))

    def __call__(self, event: EngineEvent) -> None:
        """Take one event."""
        if event.resource_pre_event and not _is_default_provider(event.resource_pre_event.metadata):
            self._begun(event.resource_pre_event.metadata)
        elif event.res_outputs_event and not _is_default_provider(event.res_outputs_event.metadata):
            self._ended(event.res_outputs_event.metadata)
        elif event.res_op_failed_event:
            self._failed(event.res_op_failed_event.metadata)
        elif event.diagnostic_event and event.diagnostic_event.severity == "error":
            message = _COLOUR.sub("", event.diagnostic_event.message)
            self._errors.append(" ".join(message.split()).removeprefix("error: "))

    def _begun(self, step: StepEventMetadata) -> None:
        self._began[step.urn] = time.monotonic()
        word = _WORDS.get(step.op)
        if word in {"create", "update", "replace", "delete"}:
            self._tell(EventKind.STARTED, step, None, word)

    def _ended(self, step: StepEventMetadata) -> None:
        word = _WORDS.get(step.op)
        if word is None:
            return
        if word == "delete" and step.old and step.old.retain_on_delete:
            word = "retain"
        self._done.setdefault(word, []).append(step.urn)
        kind = EventKind.UNCHANGED if word == "same" else EventKind.WRITTEN
        self._tell(kind, step, self._elapsed(step), word)

    def _failed(self, step: StepEventMetadata) -> None:
        self._tell(EventKind.FAILED, step, self._elapsed(step), f"{step.op.value} failed; the reason follows")

    def _elapsed(self, step: StepEventMetadata) -> float:
        return time.monotonic() - self._began.get(step.urn, time.monotonic())

    def _tell(self, kind: EventKind, step: StepEventMetadata, elapsed: float | None, message: str) -> None:
        name = step.urn.rsplit("::", 1)[-1]
        self._observer(Event(kind, step.urn, step.type, name, elapsed, message))


def _is_default_provider(step: StepEventMetadata) -> bool:
    """Whether this is a provider that the engine makes for itself, and no program mentions."""
    return step.type.startswith("pulumi:providers:") and step.urn.rsplit("::", 1)[-1].startswith("default")
