"""The state of one stack: what exists, what is being done, and what must still go; as data and as JSON."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from mlops_stacks.executors.embedded.values import Bag, Sealed, changed_keys, normalised

FORMAT = 1
"""The version of the file format that this program writes; it reads no other."""


class NewerFormatError(Exception):
    """The file was written by a newer release; the message is its format."""


class Operation(StrEnum):
    """What is being done to a resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


def new_key() -> str:
    """A name for one thing that exists or may exist: a replaced resource has two things under one URN."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True)
class Entry:
    """One resource, as the last completed operation left it. A component has neither id nor inputs.

    `timeouts` are seconds by operation. `id` is empty for a create that has not been completed.
    """

    key: str
    urn: str
    type: str
    name: str
    parent: str | None
    custom: bool
    id: str = ""
    inputs: Sealed = field(default_factory=Sealed)
    outputs: Sealed = field(default_factory=Sealed)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str | None = None
    timeouts: Mapping[str, float] = field(default_factory=dict)

    @property
    def needs(self) -> frozenset[str]:
        """The URNs that must outlive this resource."""
        of_properties = (urn for urns in self.property_dependencies.values() for urn in urns)
        named = (urn for urn in (self.parent, self.deleted_with) if urn)
        return frozenset((*self.dependencies, *of_properties, *named))

    def renamed(self, names: Mapping[str, str]) -> Entry:
        """This entry with every URN in `names` replaced, its own left alone."""
        return replace(
            self,
            parent=names.get(self.parent, self.parent) if self.parent else None,
            deleted_with=names.get(self.deleted_with, self.deleted_with) if self.deleted_with else None,
            dependencies=tuple(names.get(urn, urn) for urn in self.dependencies),
            property_dependencies={
                key: tuple(names.get(urn, urn) for urn in urns) for key, urns in self.property_dependencies.items()
            },
        )


@dataclass(frozen=True)
class Pending:
    """An operation that has begun: enough to finish or to undo it.

    `entry` is the resource as it will be (create, update) or was (delete); the old state of an update is the entry of
    the same key among the resources. `since` is seconds since 1970, `pid` the process that began it.
    """

    operation: Operation
    entry: Entry
    since: float
    pid: int


@dataclass
class State:
    """Everything known of a stack. `doomed` are replaced resources that wait for their deletion, by key."""

    project: str
    stack: str
    resources: dict[str, Entry] = field(default_factory=dict)
    doomed: dict[str, Entry] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    outputs: Sealed | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing exists and nothing is under way."""
        return not (self.resources or self.doomed or self.pending)

    def unfinished_creates(self, urn: str | None = None) -> list[Entry]:
        """What a create may have left without being written as done, by URN or all."""
        return [
            record.entry
            for record in self.pending
            if record.operation is Operation.CREATE and urn in (None, record.entry.urn)
        ]

    def unfinished_updates(self, key: str) -> list[Sealed]:
        """The inputs that an update may have brought about without being written as done."""
        found = (r for r in self.pending if r.operation is Operation.UPDATE and r.entry.key == key)
        return [record.entry.inputs for record in found]

    def is_being_deleted(self, key: str) -> bool:
        """Whether a deletion has begun."""
        return any(r.operation is Operation.DELETE and r.entry.key == key for r in self.pending)

    def settle(self, key: str) -> None:
        """Forget the operations that were under way on this thing."""
        self.pending = [record for record in self.pending if record.entry.key != key]

    def forget_attempt(self, operation: Operation, key: str, inputs: Bag) -> None:
        """Forget that this very operation has been begun before: it is about to be begun again."""
        self.pending = [
            record
            for record in self.pending
            if (record.operation, record.entry.key) != (operation, key)
            or (operation is Operation.UPDATE and changed_keys(record.entry.inputs, inputs))
        ]

    def drop(self, entry: Entry) -> None:
        """Forget this thing and the operations on it."""
        if (live := self.resources.get(entry.urn)) and live.key == entry.key:
            del self.resources[entry.urn]
        self.doomed.pop(entry.key, None)
        self.settle(entry.key)

    def rename(self, old: str, entry: Entry) -> None:
        """Give the resource with the URN `old` the identity of `entry` (URN, type, name), wherever it is mentioned."""

        def with_new_name(one: Entry) -> Entry:
            if one.urn == old:
                one = replace(one, urn=entry.urn, type=entry.type, name=entry.name)
            return one.renamed({old: entry.urn})

        self.resources = {e.urn: e for e in map(with_new_name, self.resources.values())}
        self.doomed = {key: with_new_name(e) for key, e in self.doomed.items()}
        self.pending = [replace(record, entry=with_new_name(record.entry)) for record in self.pending]


def encode(state: State) -> bytes:
    """The state as the bytes of its file, with a checksum over everything else."""
    body = {
        "format": FORMAT,
        "project": state.project,
        "stack": state.stack,
        "resources": [asdict(entry) for entry in state.resources.values()],
        "doomed": [asdict(entry) for entry in state.doomed.values()],
        "pending": [asdict(record) for record in state.pending],
        "outputs": None if state.outputs is None else asdict(state.outputs),
    }
    text = json.dumps({"checksum": _checksum(body), **body}, indent=1, allow_nan=False)
    return text.encode() + b"\n"


def decode(content: bytes) -> State:
    """The state in the bytes of a file; ValueError says what is wrong with them, `NewerFormatError` that nothing is."""
    try:
        body = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(body, dict) or "format" not in body:
        raise ValueError("it is not a state file")
    if isinstance(body["format"], int) and body["format"] > FORMAT:
        raise NewerFormatError(str(body["format"]))
    checksum = body.pop("checksum", None)
    if checksum != _checksum(body):
        raise ValueError("its content does not match its checksum")
    try:
        return _state(body)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its structure is wrong at {error}") from error


def _state(body: Mapping[str, Any]) -> State:
    return State(
        project=body["project"],
        stack=body["stack"],
        resources=_by(body["resources"], lambda entry: entry.urn),
        doomed=_by(body["doomed"], lambda entry: entry.key),
        pending=[
            Pending(Operation(record["operation"]), _entry(record["entry"]), record["since"], record["pid"])
            for record in body["pending"]
        ],
        outputs=None if body["outputs"] is None else _sealed(body["outputs"]),
    )


def _by(entries: Iterable[Mapping[str, Any]], name: Callable[[Entry], str]) -> dict[str, Entry]:
    return {name(entry): entry for entry in map(_entry, entries)}


def _entry(data: Mapping[str, Any]) -> Entry:
    plain = {f.name: data[f.name] for f in fields(Entry)}
    plain["inputs"] = _sealed(data["inputs"])
    plain["outputs"] = _sealed(data["outputs"])
    plain["dependencies"] = tuple(data["dependencies"])
    plain["property_dependencies"] = {key: tuple(urns) for key, urns in data["property_dependencies"].items()}
    return Entry(**plain)


def _sealed(data: Mapping[str, Any]) -> Sealed:
    return Sealed(normalised(data["values"], "state"), dict(data["digests"]))


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
