"""What the stacks of a blueprint export, by scope and stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from mlops_stacks.blueprint.vocabulary import SHARED
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.deploying import contracts
from mlops_stacks.project import Project


class NoSuchOutputError(Exception):
    """A key was asked for that nothing exports."""


def exports_of(project: Project, executor: Executor, environment: str | None) -> dict[str, Any]:
    """Stage -> what it exports, for one environment (or `shared`); of all scopes, with the scope's name above."""
    if environment is not None:
        project.scopes(environment)
        return dict(contracts(project, executor, environment))
    environments = tuple(project.blueprint.environments)
    if len(environments) == 1:
        return dict(contracts(project, executor, environments[0]))
    return {scope: dict(executor.outputs(project.blueprint.stack(scope))) for scope in (SHARED, *environments)}


def select(exports: Mapping[str, Any], key: str | None) -> Any:
    """The value at a dotted key. Raises `NoSuchOutputError`, which names what is there."""
    value: Any = exports
    walked = ""
    for part in key.split(".") if key else ():
        if not isinstance(value, Mapping) or part not in value:
            known = sorted(value) if isinstance(value, Mapping) else []
            raise NoSuchOutputError(_missing(part, walked, known))
        value = value[part]
        walked = f"{walked}.{part}" if walked else part
    return value


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings, with dotted keys."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flattened(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _missing(part: str, walked: str, known: list[str]) -> str:
    where = f"`{walked}`" if walked else "the blueprint"
    close = get_close_matches(part, known, 1)
    if close:
        return f"{where} has no output `{part}`: did you mean `{close[0]}`?"
    return f"{where} has no output `{part}`: there is {', '.join(known) or 'nothing below it'}"
