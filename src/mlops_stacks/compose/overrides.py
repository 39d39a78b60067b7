"""The escape hatch: patches of any property of any resource, by type and name pattern.

A legacy stack transformation, because that is what every executor runs in process. Args objects are turned into
mappings with the provider's names first, so that a patch is written the same way whatever the component wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import pulumi
from pulumi import _types

from mlops_stacks.blueprint.settings import Override


class OverrideError(Exception):
    """An override cannot be applied; the message says where its path leads nowhere."""


def install(overrides: Sequence[Override]) -> None:
    """Apply the overrides to every custom resource that is registered after this."""
    if not overrides:
        return

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if isinstance(args.resource, pulumi.ComponentResource):
            return None
        props = dict(args.props)
        matching = [o for o in overrides if matches(o, args.type_, args.name)]
        for override in matching:
            for path, value in override.set.items():
                _patch_property(args.resource, props, path.split("."), value)
        return pulumi.ResourceTransformationResult(props, args.opts) if matching else None

    pulumi.runtime.register_stack_transformation(transform)


def matches(override: Override, type_token: str, name: str) -> bool:
    """Whether an override is meant for a resource of this type and logical name."""
    return fnmatchcase(type_token, override.type) and fnmatchcase(name, override.name)


def _patch_property(resource: pulumi.Resource, props: dict[str, Any], path: list[str], value: Any) -> None:
    names = _types.resource_pulumi_to_py_names(type(resource))
    key = names.get(path[0], path[0])
    current = props.get(key)
    rest = path[1:]
    where = f"`{'.'.join(path)}` of {resource.__class__.__name__}"
    if isinstance(current, pulumi.Output) and rest:
        props[key] = current.apply(lambda known: _patched(known, rest, value, where))
    else:
        props[key] = _patched(current, rest, value, where)


def _patched(current: Any, path: list[str], value: Any, where: str) -> Any:
    """`current` with `value` at `path`; mappings that are missing on the way are made."""
    if not path:
        return value
    current = _plain(current)
    key, rest = path[0], path[1:]
    if isinstance(current, list):
        if not key.isdigit() or int(key) >= len(current):
            raise OverrideError(f"override {where}: the list has {len(current)} items, `{key}` is none of them")
        return [_patched(item, rest, value, where) if i == int(key) else item for i, item in enumerate(current)]
    if current is None:
        current = {}
    if not isinstance(current, dict):
        raise OverrideError(f"override {where}: there is a plain value above `{key}`")
    return {**current, key: _patched(current.get(key), rest, value, where)}


def _plain(value: Any) -> Any:
    """An Args object as a mapping with the provider's names; anything else as it is."""
    if _types.is_input_type(type(value)):
        return {key: item for key, item in _types.input_type_to_dict(value).items() if item is not None}
    return list(value) if isinstance(value, (list, tuple)) else value
