"""Completes requests: features that a request does not bring are looked up by the keys that it does bring.

What a request brings wins, null included. Keys that are no inputs of the model themselves are taken out again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_components.spec.feature import (
    AnyFeatureStoreRef,
    FeatureType,
    feature_type,
    input_name,
    is_online,
    key_columns,
)
from mlops_stacks.runtime.features.stores import online
from mlops_stacks.runtime.serving.tensors import DATATYPES, InputError
from mlops_stacks.runtime.workload import Column

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Lookup:
    """The features of one group that the model reads: its keys, and model input -> feature."""

    group: str
    keys: tuple[str, ...]
    features: Mapping[str, str]


class Completion:
    """Adds a model's features to requests."""

    def __init__(self, store: AnyFeatureStoreRef | None, features: Sequence[str], inputs: Sequence[Column]) -> None:
        """`features` are `<group>.<feature>`, as the model's metadata names them."""
        kinds = {column.name: column.kind for column in inputs}
        known, self._unknown = _looked_up(store, features)
        self._lookups = known
        self._datatypes = {name: DATATYPES[kinds[name]] for lookup in known for name in lookup.features}
        self._floats = frozenset(name for name in self._datatypes if kinds[name] == "float")
        keys = {key for lookup in known for key in lookup.keys}
        self._only_keys = frozenset(keys - set(kinds))
        self._online = None if store is None or not known else online(store)

    def instances(self, instances: Sequence[Any]) -> Sequence[Any]:
        """The rows of the plain route, completed. Raises `InputError`."""
        if not self._lookups and not self._unknown:
            return instances
        row = self._remembered()
        return [
            self._instance(instance, f"instance {number}", row) if isinstance(instance, Mapping) else instance
            for number, instance in enumerate(instances)
        ]

    def tensors(self, tensors: Sequence[Given]) -> Sequence[Given]:
        """The columns of the protocol's route, completed. Raises `InputError`."""
        if not self._lookups and not self._unknown:
            return tensors
        given = {str(tensor["name"]): tensor for tensor in tensors}
        self._refuse_missing(given, "the request")
        kept = [tensor for tensor in tensors if tensor["name"] not in self._only_keys]
        row = self._remembered()
        for lookup in self._lookups:
            absent = [name for name in lookup.features if name not in given]
            if absent:
                kept += self._tensors(lookup, absent, given, row)
        return kept

    def close(self) -> None:
        """Let go of the online store."""
        if self._online is not None:
            self._online.close()

    def _instance(self, instance: Given, where: str, row: _Row) -> Given:
        self._refuse_missing(instance, where)
        completed = {name: value for name, value in instance.items() if name not in self._only_keys}
        for lookup in self._lookups:
            absent = [name for name in lookup.features if name not in instance]
            if absent:
                keys = [self._key(instance, key, absent[0], where) for key in lookup.keys]
                found = row(lookup, tuple(keys))
                completed.update((name, found[name]) for name in absent)
        return completed

    def _tensors(self, lookup: _Lookup, absent: list[str], given: Mapping[str, Given], row: _Row) -> list[Given]:
        for key in lookup.keys:
            if key not in given:
                raise InputError(f"the request lacks the input `{key}`, by which `{absent[0]}` is looked up.")
        columns = [[_flat(value) for value in given[key]["data"]] for key in lookup.keys]
        if len({len(column) for column in columns}) > 1:
            raise InputError(f"the inputs {', '.join(f'`{key}`' for key in lookup.keys)} differ in length.")
        rows = [
            row(lookup, tuple(_text(value, key, f"row {n}") for key, value in zip(lookup.keys, values, strict=True)))
            for n, values in enumerate(zip(*columns, strict=True))
        ]
        return [
            {
                "name": name,
                "shape": [len(rows)],
                "datatype": self._datatypes[name],
                "data": [found[name] for found in rows],
            }
            for name in absent
        ]

    def _refuse_missing(self, given: Mapping[str, Any], where: str) -> None:
        for name in self._unknown:
            if name not in given:
                raise InputError(f"{where} lacks `{name}`, a feature that no online store here has: send its value.")

    def _key(self, instance: Given, key: str, feature: str, where: str) -> str | None:
        if key not in instance:
            raise InputError(f"{where} lacks the column `{key}`, by which `{feature}` is looked up.")
        return _text(instance[key], key, where)

    def _remembered(self) -> _Row:
        """A lookup that asks for each entity once in a request."""
        seen: dict[tuple[str, tuple[str | None, ...]], dict[str, Any]] = {}

        def row(lookup: _Lookup, keys: tuple[str | None, ...]) -> dict[str, Any]:
            asked = (lookup.group, keys)
            if asked not in seen:
                seen[asked] = self._row(lookup, keys)
            return seen[asked]

        return row

    def _row(self, lookup: _Lookup, keys: tuple[str | None, ...]) -> dict[str, Any]:
        entity = {name: key for name, key in zip(lookup.keys, keys, strict=True) if key is not None}
        if self._online is None or len(entity) < len(keys):
            return dict.fromkeys(lookup.features)
        found = self._online.row(lookup.group, entity, list(lookup.features.values()))
        return {name: self._as_input(name, found[feature]) for name, feature in lookup.features.items()}

    def _as_input(self, name: str, value: Any) -> Any:
        return float(value) if name in self._floats and value is not None else value


_Row = Callable[[_Lookup, tuple[str | None, ...]], dict[str, Any]]


def _looked_up(
    store: AnyFeatureStoreRef | None, features: Sequence[str]
) -> tuple[tuple[_Lookup, ...], tuple[str, ...]]:
    """What can be looked up, by group; and the inputs that each request must bring, since nobody here has them."""
    found: dict[str, dict[str, str]] = {}
    unknown = []
    for feature in features:
        group, _, name = feature.partition(".")
        kind = None if store is None else feature_type(store["groups"], feature)
        if store is None or kind in (None, FeatureType.TIMESTAMP) or not is_online(store["groups"][group]):
            unknown.append(input_name(feature))
        else:
            found.setdefault(group, {})[input_name(feature)] = name
    groups = {} if store is None else store["groups"]
    return (
        tuple(_Lookup(group, tuple(key_columns(groups[group])), names) for group, names in found.items()),
        tuple(unknown),
    )


def _flat(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _text(value: Any, key: str, where: str) -> str | None:
    """A key as the history has it: as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where} has a key in `{key}` that is neither text nor a whole number.")
