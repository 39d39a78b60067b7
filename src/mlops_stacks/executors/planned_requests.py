"""Reads what the SDK asks of a resource monitor into the plain values of a plan.

The wire form is lossy in two ways that matter here: every number is a float, and secrets, assets and references are
objects with a signature. Both are undone, so that a plan shows what the provider will receive.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from mlops_stacks.plan import SECRET, UNKNOWN

_SIGNATURE = rpc._special_sig_key
_SAFE_INTEGER = 2**53  # beyond it a float no longer holds every integer

STACK_TYPE = "pulumi:pulumi:Stack"
"""The type of the root of every stack."""

STACK_REFERENCE_TYPE = "pulumi:pulumi:StackReference"
"""The type under which a program reads another stack's outputs."""


def token(urn: str, output: str) -> str:
    """Stand for an output that only the platform can give, so that documents around it are complete."""
    return f"${{{urn}#{output}}}"


def new_urn(project: str, stack: str, parent: str, type_: str, name: str) -> str:
    """Give a resource the URN that Pulumi's engine would give it."""
    parent_type = parent.split("::")[2] if parent else STACK_TYPE
    qualified = type_ if parent_type == STACK_TYPE else f"{parent_type}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def package_of(type_: str) -> str:
    """Name the provider package that serves a type; a provider serves its own package."""
    parts = type_.split(":")
    return parts[2] if parts[:2] == ["pulumi", "providers"] else parts[0]


def plain_struct(struct: Any) -> dict[str, Any]:
    """Read a protobuf struct into plain values, secrets masked."""
    return _plain_fields(struct.fields)


def plain(value: Any) -> Any:
    """Read one protobuf value into a plain value: whole numbers are integers, secrets are masked."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text == rpc.UNKNOWN else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _SAFE_INTEGER else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        return _signed(fields) if _SIGNATURE in fields else _plain_fields(fields)
    return None


def _plain_fields(fields: Any) -> dict[str, Any]:
    # A protobuf map has no order of its own.
    return {key: plain(fields[key]) for key in sorted(fields)}


def _signed(fields: Any) -> Any:
    signature = fields[_SIGNATURE].string_value
    if signature == rpc._special_secret_sig:
        return SECRET
    if signature == rpc._special_resource_sig:
        urn = fields["urn"].string_value
        return token(urn, "id") if "id" in fields else token(urn, "urn")
    kind = "asset" if signature == rpc._special_asset_sig else "archive"
    content = _plain_fields(fields)
    del content[_SIGNATURE]
    return {kind: content}


def is_unknown(value: Any) -> bool:
    """Whether a protobuf value stands for one that nobody knows yet."""
    return bool(value.WhichOneof("kind") == "string_value" and value.string_value == rpc.UNKNOWN)


def is_signed(value: Any) -> bool:
    """Whether a protobuf value is a secret, an asset or a reference rather than plain data."""
    return value.WhichOneof("kind") == "struct_value" and _SIGNATURE in value.struct_value.fields


def bare(value: Any) -> Any:
    """Take the protobuf value out of its secret, if it is one."""
    if is_signed(value) and value.struct_value.fields[_SIGNATURE].string_value == rpc._special_secret_sig:
        return value.struct_value.fields["value"]
    return value


def as_secret(value: Any) -> Any:
    """Wrap a protobuf value the way in which the SDK marks secrets."""
    signature = struct_pb2.Value(string_value=rpc._special_secret_sig)
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields={_SIGNATURE: signature, "value": value}))


def holds(value: Any, mark: str) -> bool:
    """Whether a mark (`SECRET`, `UNKNOWN`) is the value, or anywhere inside it."""
    if isinstance(value, Mapping):
        return any(holds(item, mark) for item in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(holds(item, mark) for item in value)
    return bool(value == mark)


def own_options(request: Any) -> dict[str, Any]:
    """Read the options that a registration states itself; what it inherits is added by the planner."""
    options: dict[str, Any] = {}
    if request.aliases:
        options["aliases"] = [_alias(alias) for alias in request.aliases]
    if request.deleteBeforeReplaceDefined:
        options["deleteBeforeReplace"] = request.deleteBeforeReplace
    lists = {
        "additionalSecretOutputs": sorted(request.additionalSecretOutputs),
        "hideDiffs": sorted(request.hideDiffs),
        "ignoreChanges": sorted(request.ignoreChanges),
        "replaceOnChanges": sorted(request.replaceOnChanges),
        "replaceWith": sorted(request.replace_with),
    }
    texts = {
        "import": request.importId,
        "package": request.packageRef,
        "pluginDownloadURL": request.pluginDownloadURL,
        "version": request.version,
    }
    options.update({name: value for name, value in (lists | texts).items() if value})
    if request.HasField("customTimeouts"):
        timeouts = request.customTimeouts
        stated = {name: getattr(timeouts, name) for name in ("create", "delete", "read", "update")}
        options["customTimeouts"] = {name: value for name, value in stated.items() if value}
    if request.HasField("replacement_trigger"):
        options["replacementTrigger"] = plain(request.replacement_trigger)
    return options


def _alias(alias: Any) -> Any:
    if alias.WhichOneof("alias") == "urn":
        return alias.urn
    spec = alias.spec
    stated = {
        "name": spec.name,
        "noParent": spec.noParent,
        "parent": spec.parentUrn,
        "project": spec.project,
        "stack": spec.stack,
        "type": spec.type,
    }
    return {name: value for name, value in stated.items() if value}


def source_of(frames: Any, root: Path) -> str | None:
    """Say where a resource was written, relative to the project or to its package, never as a path of this machine.

    `frames` are the stack trace of the registration, innermost first; those inside Pulumi and its SDKs are passed by.
    """
    for frame in frames:
        if frame.pc.uri:
            path = _relative(frame.pc.uri, str(root))
            if not path.startswith("pulumi"):
                return f"{path}:{frame.pc.line}"
    return None


@lru_cache(maxsize=1024)
def _relative(uri: str, root: str) -> str:
    path = Path(unquote(urlsplit(uri).path))
    for base in sorted({root, *filter(None, sys.path)}, key=len, reverse=True):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.name
