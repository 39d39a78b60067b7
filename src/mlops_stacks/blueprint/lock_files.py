"""Lock files: small YAML files under version control, beside the blueprint. Commands write them, `up` only reads."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import StringConstraints, ValidationError

from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.loading import in_order, read_text, read_tree
from mlops_stacks.blueprint.problems import BlueprintError, Problem
from mlops_stacks.blueprint.sentences import problems_of
from mlops_stacks.blueprint.yaml_tree import means_itself

Moment = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]

Lock = TypeVar("Lock", bound=Model)


def read_lock_file(path: Path, what: str, shape: type[Lock]) -> Lock:
    """The lock at `path`, empty if there is no file yet; raises `BlueprintError` if it cannot be understood.

    `what` names the kind of lock in messages.
    """
    if not path.exists():
        return shape()
    name = str(path)
    tree, problems = read_tree(read_text(path, what), name)
    document: Any = tree.plain() if tree else None
    document = {} if document is None else document
    if not isinstance(document, Mapping):
        first = next(iter(shape.model_fields))
        raise BlueprintError([Problem((), f"a {what} is a mapping of fields", f"begin with `{first}:`", name, 1)])
    lock = shape()
    try:
        lock = shape.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        at = {problem.path for problem in problems}
        found = (problem for problem in problems_of(error, shape) if problem.path not in at)
        problems += [replace(problem, file=name, line=tree.line_of(problem.path) if tree else 1) for problem in found]
    if problems:
        raise BlueprintError(in_order(problems))
    return lock


def write_lock_file(path: Path, header: str, lock: Model) -> Path:
    """Writes the lock, whole or not at all; returns its path. Raises OSError where the folder cannot be written to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = lock.model_dump(mode="json", exclude_defaults=True)
    text = header + yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what would mean something else by the rules of YAML 1.2."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if means_itself(text) else '"')


_Dumper.add_representer(str, _represent_text)


def printable(text: str) -> str:
    """A text in one line, without what a YAML file cannot hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def moment(at: datetime | None) -> str:
    """A time as a lock says it, in UTC to the second; None: now."""
    return (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
