"""Property values: what a provider receives and returns, and what of it may be written to a file.

Values are what the Pulumi engine hands to a dynamic provider: JSON types, every number a float, no None in an object.
Secrets are known by top-level property. A file never holds one: it holds a salted scrypt digest, enough to see
whether the secret has changed; the value itself comes from the program, anew at each run.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from mlops_stacks.executors.embedded.errors import UnsupportedError

PROVIDER = "__provider"
"""The property in which `pulumi.dynamic.Resource` puts its provider, pickled."""

_SHORTEST_SECRET = 4
"""Shorter texts occur everywhere by chance, so they are not searched for in what a provider returns."""

_SCRYPT = {"n": 2**14, "r": 8, "p": 1}
"""About 40 ms and 16 MB a guess: the interactive setting of RFC 7914's author."""


@dataclass(frozen=True)
class Bag:
    """Properties in memory: all values, and which of them are secret."""

    values: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sealed:
    """Properties as they are stored: the values of those that are not secret, digests of those that are."""

    values: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def normalised(value: Any, place: str) -> Any:
    """`value` as it would come back from the Pulumi engine; raises `UnsupportedError` for what JSON cannot say."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    if isinstance(value, Mapping):
        return {str(k): normalised(v, f"{place}.{k}") for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [normalised(member, f"{place}[{index}]") for index, member in enumerate(value)]
    raise UnsupportedError(
        f"{place} is {value!r}, of type {type(value).__name__}: a dynamic resource takes and gives text, "
        "finite numbers, booleans, lists and maps only"
    )


def tidy(value: Any) -> Any:
    """`value` for people: whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: tidy(member) for key, member in value.items()}
    if isinstance(value, list):
        return [tidy(member) for member in value]
    return value


def from_struct(struct: struct_pb2.Struct, place: str) -> Bag:
    """Properties from the SDK's wire form, sorted, as that has no order of its own.

    A secret within a property makes the whole property secret.
    """
    properties = rpc.deserialize_properties(struct)
    secrets = frozenset(key for key, value in properties.items() if rpc.is_rpc_secret(value))
    values = {
        key: normalised(rpc.unwrap_rpc_secret(value), f"{place}: {key}") for key, value in sorted(properties.items())
    }
    return Bag({key: value for key, value in values.items() if value is not None}, secrets)


def to_struct(bag: Bag) -> struct_pb2.Struct:
    """Properties in the SDK's wire form."""
    struct = struct_pb2.Struct()
    struct.update({key: rpc.wrap_rpc_secret(v) if key in bag.secrets else v for key, v in bag.values.items()})
    return struct


def seal(bag: Bag, earlier: Sealed) -> Sealed:
    """`bag` as it may be stored; a secret that is still the same keeps its digest, so that the file does not change."""
    digests = {}
    for key in bag.secrets & bag.values.keys():
        known = earlier.digests.get(key)
        digests[key] = known if known and _matches(known, bag.values[key]) else _digest(bag.values[key])
    return Sealed({key: value for key, value in bag.values.items() if key not in bag.secrets}, digests)


def unseal(sealed: Sealed, source: Bag) -> Bag:
    """`sealed` with its secrets put back from `source`; one that has changed or is not there is left out."""
    found = {
        key: source.values[key]
        for key, digest in sealed.digests.items()
        if key in source.values and _matches(digest, source.values[key])
    }
    return Bag({**sealed.values, **found}, frozenset(found))


def changed_keys(sealed: Sealed, bag: Bag) -> frozenset[str]:
    """The properties in which `bag` differs from what is stored; a changed secrecy is a change."""
    keys = sealed.values.keys() | sealed.digests.keys() | bag.values.keys()
    return frozenset(key for key in keys if not _same(sealed, bag, key))


def mark_secrets(values: Mapping[str, Any], inputs: Bag, also: Iterable[str]) -> Bag:
    """What a provider returned, with everything marked secret that the inputs, the options or its text give away."""
    texts = secret_texts(inputs)
    secrets = {
        key
        for key, value in values.items()
        if key in inputs.secrets or key in also or any(text in leaf for leaf in _leaves(value) for text in texts)
    }
    return Bag(values, frozenset(secrets - {PROVIDER}))


def secret_texts(bag: Bag) -> tuple[str, ...]:
    """Every text that is part of a secret and long enough to be told from chance."""
    texts = {leaf for key in bag.secrets if key in bag.values for leaf in _leaves(bag.values[key])}
    return tuple(sorted(text for text in texts if len(text) >= _SHORTEST_SECRET))


def _same(sealed: Sealed, bag: Bag, key: str) -> bool:
    if key not in bag.values:
        return False
    if key in bag.secrets:
        return key in sealed.digests and _matches(sealed.digests[key], bag.values[key])
    return key in sealed.values and bool(sealed.values[key] == bag.values[key])


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member)


def _digest(value: Any) -> str:
    salt = os.urandom(16)
    return f"scrypt:{base64.b64encode(salt).decode()}:{_scrypt(_canonical(value), salt)}"


def _matches(digest: str, value: Any) -> bool:
    _, salt, expected = digest.split(":")
    return hmac.compare_digest(_scrypt(_canonical(value), base64.b64decode(salt)), expected)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


@functools.lru_cache(maxsize=256)
def _scrypt(text: str, salt: bytes) -> str:
    return base64.b64encode(hashlib.scrypt(text.encode(), salt=salt, dklen=32, **_SCRYPT)).decode()
