"""What a program asks for, read from its registration request; what only the real engine can do is refused here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlops_stacks.executors.embedded.errors import UnsupportedError
from mlops_stacks.executors.embedded.state import Entry, new_key
from mlops_stacks.executors.embedded.values import PROVIDER, Bag, from_struct
from mlops_stacks.executors.planned_requests import STACK_TYPE, new_urn

DYNAMIC = "pulumi-python:dynamic"
"""How the type of every `pulumi.dynamic.Resource` begins."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class Goal:
    """One registration. `draft` is the entry to be, with neither id nor properties."""

    draft: Entry
    inputs: Bag
    aliases: tuple[str, ...]
    delete_before_replace: bool | None
    ignore_changes: frozenset[str]
    replace_on_changes: frozenset[str]
    secret_outputs: frozenset[str]

    @property
    def urn(self) -> str:
        """Which resource this is."""
        return self.draft.urn

    def applied_to(self, entry: Entry) -> Entry:
        """`entry` with everything that the program says of it except its properties."""
        return replace(self.draft, key=entry.key, id=entry.id, inputs=entry.inputs, outputs=entry.outputs)


@dataclass(frozen=True)
class Parent:
    """What a child takes over from its parent unless it says otherwise, as Pulumi's engine has it."""

    protect: bool
    retain_on_delete: bool
    deleted_with: str | None
    aliases: tuple[str, ...]
    name: str


def read_goal(request: Any, parent: Parent | None, project: str, stack: str) -> Goal:
    """The goal in a `RegisterResourceRequest`; raises `UnsupportedError` with a sentence."""
    _refuse(request)
    urn = new_urn(project, stack, request.parent, request.type, request.name)
    draft = Entry(
        key=new_key(),
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent or None,
        custom=request.custom,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(found.urns)) for key, found in sorted(request.propertyDependencies.items()) if found.urns
        },
        protect=_inherited(request, "protect", parent.protect if parent else False),
        retain_on_delete=_inherited(request, "retainOnDelete", parent.retain_on_delete if parent else False),
        deleted_with=request.deletedWith or (parent.deleted_with if parent else None),
        timeouts=_timeouts(request),
    )
    return Goal(
        draft=draft,
        inputs=_inputs(request),
        aliases=tuple(dict.fromkeys(_aliases(request, parent, project, stack))),
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        ignore_changes=frozenset(request.ignoreChanges),
        replace_on_changes=frozenset(request.replaceOnChanges),
        secret_outputs=frozenset(request.additionalSecretOutputs),
    )


def _refuse(request: Any) -> None:
    if request.remote or (request.custom and not request.type.startswith(DYNAMIC)):
        raise UnsupportedError(
            f"{request.name} is of type {request.type}, which needs a provider plugin; "
            "use the Pulumi CLI executor (--executor pulumi)"
        )
    options = {
        "import": bool(request.importId),
        "replacement_trigger": request.HasField("replacement_trigger"),
        "hooks": request.HasField("hooks") and bool(request.hooks.ByteSize()),
        "ignore_changes with a path": any(set(".[") & set(path) for path in request.ignoreChanges),
        "replace_on_changes with a path": any(set(".[") & set(path) for path in request.replaceOnChanges),
    }
    for option in (name for name, used in options.items() if used):
        raise UnsupportedError(
            f"{request.name} uses the resource option {option}, which the embedded executor does not know; "
            "use the Pulumi CLI executor (--executor pulumi)"
        )


def _inputs(request: Any) -> Bag:
    if not request.custom:
        return Bag({})  # what a component was given changes nothing that exists
    inputs = from_struct(request.object, request.name)
    if PROVIDER in inputs.secrets:
        raise UnsupportedError(
            f"the provider of {request.name} is a secret, so it could not be stored to delete the resource later; "
            "set serialize_as_secret_always = False on its class, and pass secrets as inputs"
        )
    return inputs


def _inherited(request: Any, option: str, fallback: bool) -> bool:
    return bool(getattr(request, option)) if request.HasField(option) else fallback


def _timeouts(request: Any) -> dict[str, float]:
    if not request.HasField("customTimeouts"):
        return {}
    stated = {name: getattr(request.customTimeouts, name) for name in ("create", "update", "delete", "read")}
    return {name: _seconds(text, request.name) for name, text in stated.items() if text}


def _seconds(text: str, name: str) -> float:
    if _DURATION.sub("", text):
        raise UnsupportedError(f"{name} has the time limit {text!r}, which is no duration; write it like 90s or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


def _aliases(request: Any, parent: Parent | None, project: str, stack: str) -> Iterator[str]:
    """The URNs that this resource may have had: its own aliases, under its parent's present and former URNs."""
    plain: Mapping[str, str] = {"name": request.name, "type": request.type, "parent": request.parent}
    for alias in request.aliases:
        yield _alias_urn(alias, plain, project, stack)
    for former in parent.aliases if parent else ():
        name = _child_name(request.name, parent.name if parent else "", former)
        moved = {**plain, "name": name, "parent": former}
        yield _alias_urn(None, moved, project, stack)
        for alias in request.aliases:
            yield _alias_urn(alias, moved, project, stack)


def _alias_urn(alias: Any, plain: Mapping[str, str], project: str, stack: str) -> str:
    if alias is None:
        return new_urn(project, stack, plain["parent"], plain["type"], plain["name"])
    if alias.WhichOneof("alias") == "urn":
        return str(alias.urn)
    spec = alias.spec
    parent = "" if spec.noParent else spec.parentUrn or plain["parent"]
    return new_urn(
        spec.project or project, spec.stack or stack, parent, spec.type or plain["type"], spec.name or plain["name"]
    )


def _child_name(name: str, parent_name: str, former_parent: str) -> str:
    # Children are named after their parent by convention, so a renamed parent renames them too.
    former_name = former_parent.split("::", 3)[3]
    return former_name + name.removeprefix(parent_name) if name.startswith(parent_name) else name


def as_parent(goal: Goal) -> Parent:
    """What the children of this resource take over. The stack's names are not part of its children's."""
    entry = goal.draft
    aliases: Iterable[str] = () if entry.type == STACK_TYPE else goal.aliases
    return Parent(entry.protect, entry.retain_on_delete, entry.deleted_with, tuple(aliases), entry.name)
