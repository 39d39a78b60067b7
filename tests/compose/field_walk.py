"""Walks the blueprint's models: every leaf field, and two legal values for it."""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from annotated_types import Ge, Gt
from pydantic import BaseModel, StringConstraints
from typing_extensions import is_typeddict

from mlops_stacks.blueprint.engines import ENGINES
from mlops_stacks.blueprint.settings import Settings, Stages
from mlops_stacks.blueprint.vocabulary import Platform

Path = tuple[str, ...]

ANY_KEY = {
    "models": "flight_delay",
    "secrets": "API_KEY",
    "access": "data_science",
    "feature_groups": "airport",
    "tags": "team",
    "parameters": "max_iter",
    "smoke_parameters": "rows",
    "drift": "distance",
    "minimum_quality": "auc",
    "modes": "flight_delay",
    "challengers": "flight_delay",
    "model_quality": "flight_delay",
    "bias": "flight_delay",
    "explainability": "flight_delay",
    "set": "inputs",
}
"""Container -> a key that stands for any."""

EXAMPLES: dict[str, tuple[Any, Any]] = {
    "overrides.0.type": ("*", "*/*"),
    "overrides.0.name": ("*", "foundation-*"),
    "overrides.0.set": ({"patched": 1}, {"patched": 2}),
    "owners.0.email": ("a@example.com", "b@example.com"),
    "notifications.0.email": ("a@example.com", "b@example.com"),
    "branch": ("main", "trunk"),
    "cron": ("0 3 * * *", "30 4 * * 1"),
    "timezone": ("Europe/Berlin", "America/New_York"),
    "entry_point": ("package.module:workload", "package.other:workload"),
    "variable": ("MY_KEY", "OTHER_KEY"),
    "maintenance_window": ("Mon:01:00", "Tue:02:00"),
    "permission_boundary": ("arn:aws:iam::111111111111:policy/a", "arn:aws:iam::111111111111:policy/b"),
    "arn": ("arn:aws:kms:eu-west-1:111111111111:key/a", "arn:aws:kms:eu-west-1:111111111111:key/b"),
    "entity": ("origin", "dest"),
    "keys": (["origin"], ["origin", "dest"]),
    "event_time": ("known_at", "seen_at"),
    "feature_groups.airport.features.0.name": ("share", "flights"),
    "models.flight_delay.features": (["airport.share"], ["airport.flights"]),
    "name": ("first-name", "second-name"),
    "experiment_tracking.size": ("Small", "Medium"),
    "pipeline.compute.memory_gb": (8.0, 64.0),
    "pipeline.compute.gpu.count": (1, 4),
    "pipeline.compute.gpu.type": ("nvidia-t4", "nvidia-a10g"),
    "tuning.ranges.0.minimum": (0.1, 0.2),
    "tuning.ranges.0.maximum": (1.0, 2.0),
    "network.cidr": ("10.1.0.0/20", "10.2.0.0/20"),
    "network.reaches": (["10.9.0.0/16"], ["10.8.0.0/16"]),
    "network.vpc_id": ("vpc-0123456789abcdef0", "vpc-1123456789abcdef0"),
    "network.subnet_ids": (
        ["subnet-0123456789abcdef0", "subnet-1123456789abcdef0"],
        ["subnet-0123456789abcdef0", "subnet-2123456789abcdef0"],
    ),
    "network.security_group_id": ("sg-0123456789abcdef0", "sg-1123456789abcdef0"),
    "network.route_table_ids": (["rtb-0123456789abcdef0"], ["rtb-1123456789abcdef0"]),
    "trail.arn": (
        "arn:aws:cloudtrail:eu-west-1:111111111111:trail/a",
        "arn:aws:cloudtrail:eu-west-1:111111111111:trail/b",
    ),
    "budget.alarm_percents": ([50], [60]),
    "github_oidc.url": ("https://token.example.com", "https://token.example.org"),
    "gitlab_oidc.url": ("https://token.example.com", "https://token.example.org"),
    "github_oidc.arn": (
        "arn:aws:iam::111111111111:oidc-provider/a.example.com",
        "arn:aws:iam::111111111111:oidc-provider/b.example.com",
    ),
    "gitlab_oidc.arn": (
        "arn:aws:iam::111111111111:oidc-provider/a.example.com",
        "arn:aws:iam::111111111111:oidc-provider/b.example.com",
    ),
    "repository": ("example/flights", "example/other"),
    "folder": ("workload", "other"),
    "dockerfile": ("docker/One", "docker/Two"),
    "blueprint_path": ("one.yaml", "two.yaml"),
    "state_bucket": ("first-state-bucket", "second-state-bucket"),
    "secrets_key": (
        "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000001",
        "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000002",
    ),
    "connection.host": (
        "arn:aws:codeconnections:eu-west-1:111111111111:host/one-00000001",
        "arn:aws:codeconnections:eu-west-1:111111111111:host/two-00000002",
    ),
    "connection.arn": (
        "arn:aws:codeconnections:eu-west-1:111111111111:connection/00000000-0000-0000-0000-000000000001",
        "arn:aws:codeconnections:eu-west-1:111111111111:connection/00000000-0000-0000-0000-000000000002",
    ),
    "smoke_buckets": (["first-bucket"], ["second-bucket"]),
    "system_packages": (["git"], ["curl"]),
    "test_command": (["make", "test"], ["make", "check"]),
    "training_pipeline.machine": ("ml.m5.large", "ml.m5.xlarge"),
    "serving.instance_type": ("ml.m5.large", "ml.m5.xlarge"),
    "monitoring.instance_type": ("ml.m5.large", "ml.m5.xlarge"),
    "realtime.compute.instance_type": ("ml.m5.large", "ml.m5.xlarge"),
    "batch.compute.instance_type": ("ml.m5.large", "ml.m5.xlarge"),
    "pipeline.compute.instance_type": ("ml.m5.large", "ml.m5.xlarge"),
    "workbench.instance_types": (["ml.t3.medium"], ["ml.t3.large"]),
    "serving.certificate": (
        "arn:aws:acm:eu-west-1:111111111111:certificate/00000000-0000-0000-0000-000000000001",
        "arn:aws:acm:eu-west-1:111111111111:certificate/00000000-0000-0000-0000-000000000002",
    ),
    "access.data_science.members": (
        ["arn:aws:iam::111111111111:role/a"],
        ["arn:aws:iam::111111111111:role/b"],
    ),
    "asynchronous.output": ("answers", "other"),
}
"""End of a path -> two legal values, where they cannot be made up from the type."""


def bare(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """An annotation without Annotated, NotRequired and None, and what was annotated."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        inner, *notes = get_args(annotation)
        stripped, deeper = bare(inner)
        return stripped, (*notes, *deeper)
    if origin in (NotRequired, Required):
        return bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(rest) == 1:
            return bare(rest[0])
    return annotation, ()


def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of a model or TypedDict, with their annotations."""
    if is_typeddict(kind):
        return typing.get_type_hints(kind, include_extras=True)
    return {name: field.rebuild_annotation() for name, field in kind.model_fields.items()}


def is_record(kind: Any) -> bool:
    """Whether a type has fields of its own."""
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel))


def leaves(annotation: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf below a type, with its annotation; a variant of a union is a step `(Variant)`."""
    kind, _ = bare(annotation)
    origin, args = get_origin(kind), get_args(kind)
    if kind is Stages:
        return
    if is_record(kind):
        for name, inner in fields_of(kind).items():
            yield from leaves(inner, (*path, name))
    elif origin in (Union, types.UnionType) and all(is_record(bare(arg)[0]) for arg in args):
        for variant in args:
            variant_type = bare(variant)[0]
            yield from leaves(variant, (*path, f"({variant_type.__name__})"))
    elif origin is dict and path and path[-1] != "set":
        yield from leaves(args[1], (*path, ANY_KEY[path[-1]]))
    elif origin in (tuple, list) and is_record(bare(args[0])[0]):
        yield from leaves(args[0], (*path, "0"))
    elif not (origin is Literal and len(args) == 1):  # a discriminator has one value: the variants are compared instead
        yield path, annotation


def variants(annotation: Any, path: Path = ()) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every choice between records below a type, with the names of its variants."""
    kind, _ = bare(annotation)
    origin, args = get_origin(kind), get_args(kind)
    if is_record(kind) and kind is not Stages:
        for name, inner in fields_of(kind).items():
            yield from variants(inner, (*path, name))
    elif origin in (Union, types.UnionType) and all(is_record(bare(arg)[0]) for arg in args):
        yield path, tuple(f"({bare(arg)[0].__name__})" for arg in args)
    elif origin is dict and path and path[-1] != "set":
        yield from variants(args[1], (*path, ANY_KEY[path[-1]]))


def all_variants(platform: Platform) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Every choice between records that an environment may make."""
    yield from variants(Settings)
    for engine in ENGINES:
        if engine.platform is platform and engine.has_component:
            for path, names in variants(engine.options):
                yield ("stages", engine.stage.value, *path), names


def all_leaves(platform: Platform) -> Iterator[tuple[Path, Any]]:
    """Every leaf that an environment may set: the settings, and the options of each engine that has a component."""
    yield from leaves(Settings)
    for engine in ENGINES:
        if engine.platform is platform and engine.has_component:
            for path, annotation in leaves(engine.options):
                if path[0] not in ("engine", "platform"):
                    yield ("stages", engine.stage.value, *path), annotation


def two_values(path: Path, annotation: Any) -> tuple[Any, Any]:
    """Two different legal values of a leaf."""
    dotted = ".".join(part for part in path if not part.startswith("("))
    for end, values in EXAMPLES.items():
        if dotted == end or dotted.endswith(f".{end}"):
            return values
    kind, notes = bare(annotation)
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return args[0], args[-1]
    if origin in (tuple, list):
        return _two_lists(bare(args[0])[0])
    if origin is dict:
        return {"a": 1}, {"a": 2}
    if origin in (Union, types.UnionType):  # a release: a word or a version
        return 1, 2
    return _two_scalars(dotted, kind, notes)


def _two_scalars(dotted: str, kind: Any, notes: tuple[Any, ...]) -> tuple[Any, Any]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        members = list(kind)
        return members[0].value, members[-1].value
    if kind is bool:
        return False, True
    if kind in (int, float):
        lowest = next((n.ge for n in notes if isinstance(n, Ge)), next((n.gt for n in notes if isinstance(n, Gt)), 1))
        return kind(lowest + 1), kind(lowest + 2)
    if kind is str and any(isinstance(n, StringConstraints) and n.pattern for n in notes):
        raise LookupError(f"say in EXAMPLES which values `{dotted}` may have")
    return "first", "second"


def _two_lists(element: Any) -> tuple[Any, Any]:
    if get_origin(element) is Literal:
        return [get_args(element)[0]], [get_args(element)[-1]]
    return ([20.0], [60.0]) if element is float else (["a.b"], ["c.d"])


def example(annotation: Any, path: Path) -> Any:
    """A smallest legal value of any type: required fields only."""
    kind, _ = bare(annotation)
    if is_record(kind):
        return {
            name: example(inner, (*path, name)) for name, inner in fields_of(kind).items() if _is_required(kind, name)
        }
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType) and all(is_record(bare(arg)[0]) for arg in args):
        return example(args[0], path)
    if origin is list and is_record(bare(args[0])[0]):
        return [example(args[0], (*path, "0"))]
    return two_values(path, annotation)[0]


def _is_required(kind: Any, name: str) -> bool:
    if is_typeddict(kind):
        return name in kind.__required_keys__
    return bool(kind.model_fields[name].is_required())


def with_value(document: dict[str, Any], root: Any, path: Path, value: Any) -> dict[str, Any]:
    """The document with a value at a path; what is missing on the way is made with its required fields."""
    changed = copy.deepcopy(document)
    _set(changed, root, path, value, ())
    return changed


def _set(container: dict[str, Any], kind: Any, path: Path, value: Any, done: Path) -> None:
    if not path:
        return
    key, rest = path[0], path[1:]
    inner = fields_of(kind)[key] if is_record(kind) else get_args(kind)[1]
    here = (*done, key)
    if not rest:
        container[key] = value
        return
    inner_kind, _ = bare(inner)
    if rest[0].startswith("("):
        inner_kind = next(bare(arg)[0] for arg in get_args(inner_kind) if f"({bare(arg)[0].__name__})" == rest[0])
        rest = rest[1:]
        container[key] = {**example(inner_kind, here), **_discriminator(inner_kind)}
    elif rest[0] == "0":
        inner_kind, rest, here = bare(get_args(inner_kind)[0])[0], rest[1:], (*here, "0")
        items = container.setdefault(key, [])
        if not items:
            items.append(example(inner_kind, here))
        _set(items[0], inner_kind, rest, value, here)
        return
    elif container.get(key) is None:
        container[key] = example(inner_kind, here) if is_record(inner_kind) else {}
    _set(container[key], inner_kind, rest, value, here)


def _discriminator(kind: Any) -> dict[str, Any]:
    return {
        name: get_args(bare(inner)[0])[0]
        for name, inner in fields_of(kind).items()
        if name in ("mode", "source", "platform") and get_origin(bare(inner)[0]) is Literal
    }
