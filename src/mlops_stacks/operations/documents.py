"""The documents that a plan contains, as files: what a provider or a program here would be handed as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlops_stacks.plan import Plan, PlannedResource

_PATH_LIMIT = 120


@dataclass(frozen=True)
class Document:
    """One text of one resource. `path` is `<scope>/<stage>/<resource>/<property>.<suffix>`."""

    path: PurePosixPath
    text: str


class CannotWriteDocumentsError(Exception):
    """The folder for documents holds something else."""


def blueprint_schema() -> str:
    """The JSON Schema of blueprints."""
    from mlops_stacks.blueprint.schema import schema_text

    return schema_text()


def documents_of(plan: Plan) -> Iterator[Document]:
    """Every document in a plan, in the plan's order. JSON is indented, its content untouched."""
    for resource in plan.resources:
        folder = PurePosixPath(resource.scope, resource.stage or "other", _safe(resource.name))
        for name, text in _texts(resource):
            pretty, suffix = _formatted(text, str(resource.inputs.get("path", "")))
            yield Document(folder / f"{_safe(name)}{suffix}", pretty)


def repository_files(plan: Plan) -> Iterator[Document]:
    """The files that belong into the repository itself, at their places in it: workflows of a CI system."""
    for scope in plan.scopes:
        for contract in scope.outputs.values():
            files = contract.get("files") if isinstance(contract, Mapping) else None
            for path, text in sorted(files.items()) if isinstance(files, Mapping) else ():
                yield Document(PurePosixPath(path), str(text))


def write_documents(documents: Iterable[Document], folder: Path) -> list[Path]:
    """Write documents below a folder. One that exists is replaced, everything else in the folder is left alone."""
    if folder.exists() and not folder.is_dir():
        raise CannotWriteDocumentsError(f"{folder} is a file; name a folder with --to")
    written: list[Path] = []
    for document in documents:
        path = folder / document.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document.text, encoding="utf-8")
        written.append(path)
    return written


def _texts(resource: PlannedResource) -> Iterator[tuple[str, str]]:
    if resource.custom:
        yield from _below(resource.inputs, "")


def _below(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Document-like strings anywhere in a resource's inputs, with their property path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _below(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _below(item, f"{path}.{number}")
    elif isinstance(value, str) and path != "__provider" and _is_document(value):
        yield path, value


def _is_document(text: str) -> bool:
    """A text of several lines, or JSON with structure. A name or an address is neither."""
    return "\n" in text.strip() or _parsed(text) is not None


def _parsed(text: str) -> Any | None:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) else None


def _formatted(text: str, destination: str) -> tuple[str, str]:
    """The text for a file, and the suffix that says what it is: that of where it will lie, if it will."""
    value = _parsed(text)
    if value is not None:
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n", ".json"
    suffix = PurePosixPath(destination).suffix
    plain = text if text.endswith("\n") else f"{text}\n"
    return plain, suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ".txt"


def _safe(name: str) -> str:
    """A name that is one part of a path on every system."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:_PATH_LIMIT].lstrip(".") or "_"
