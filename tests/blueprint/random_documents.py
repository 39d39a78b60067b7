"""Documents of right files, changed at random."""

from __future__ import annotations

import copy
from typing import Any

from blueprint_cases import HAPPY
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mlops_stacks.blueprint.loading import load

shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def documents() -> list[dict[str, Any]]:
    """The documents of the happy files."""
    return [load(path).document for path in HAPPY]


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["local", "aws", "dev", "adopt", "create", "none", "sagemaker", "shared"]),
)
keys = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["platform", "engine", "mode", "target", "stages", "models", "shared", "targets", "key", "source"]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys or indexes."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *places(value[key])]
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A right document with one to three changes: something deleted, replaced, inserted or moved."""
    document = copy.deepcopy(draw(st.sampled_from(documents())))
    for _ in range(draw(st.integers(1, 3))):
        everywhere = places(document)
        if not everywhere:
            break
        container, key = draw(st.sampled_from(everywhere))
        match draw(st.sampled_from(["delete", "replace", "insert", "move"])):
            case "delete":
                del container[key]
            case "replace":
                container[key] = draw(values)
            case "insert" if isinstance(container, dict):
                container[draw(keys)] = draw(values)
            case _:
                container[key] = copy.deepcopy(draw(st.sampled_from(everywhere))[0])
    return document
