"""Whether the workload that a blueprint names is there, told from its files: nobody's code is imported for it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mlops_stacks.blueprint.settings import Workload
from mlops_stacks.project import Project


@dataclass(frozen=True)
class Lack:
    """What is missing, and how that is mended."""

    message: str
    remedy: str


def lacks_of(project: Project, scopes: Iterable[str]) -> Iterator[Lack]:
    """What each workload of the scopes lacks, each once. One that comes in an image of its own is not looked at."""
    seen = set()
    for scope in scopes:
        workload = project.blueprint.scope(scope).settings.workload
        if workload is None or workload.image is not None:
            continue
        lack = _lack_of(workload, project.root / workload.path)
        if lack is not None and lack not in seen:
            seen.add(lack)
            yield lack


def _lack_of(workload: Workload, folder: Path) -> Lack | None:
    if not folder.is_dir():
        return Lack(f"the folder {folder} is not there", "make it, or correct `workload.path` in the blueprint")
    module, _, attribute = workload.entry_point.partition(":")
    file = _file_of(folder, module)
    if file is None:
        if _is_installed(module):
            return None
        return Lack(
            f"there is no module `{module}` in {folder}",
            f"write {folder / module.replace('.', '/')}.py, or correct `workload.entry_point`",
        )
    if _may_have(file, attribute):
        return None
    return Lack(f"{file} has no `{attribute}`", f"define `{attribute}` in it, or correct `workload.entry_point`")


def _file_of(folder: Path, module: str) -> Path | None:
    path = folder.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _is_installed(module: str) -> bool:
    """Whether its top-level package is among the installed ones, where what is in it is not ours to look for."""
    return find_spec(module.partition(".")[0]) is not None


def _may_have(file: Path, name: str) -> bool:
    """Whether a module may have this name: it is bound somewhere in it, or in ways that only running it would show."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return True  # it is there, and what is wrong with it the first step says better
    return any(bound in (name, "*", "__getattr__") for node in ast.walk(tree) for bound in _bound_by(node))


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
