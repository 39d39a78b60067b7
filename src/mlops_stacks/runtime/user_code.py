"""Loads the user's workload and turns what goes wrong in it into one sentence with file and line."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from mlops_components.spec.settings import WorkloadRef
from mlops_stacks.runtime.errors import ContractError, RuntimeFault, WorkloadError
from mlops_stacks.runtime.workload import Column, Workload

MEMBERS = ("parameters", "inputs", "label", "segments", "time", "schemas", "extract", "prepare", "train", "evaluate")
"""What a workload has; see `mlops_stacks.runtime.workload.Workload`."""


def add_to_path(reference: WorkloadRef) -> None:
    """Put the workload's folder first on the import path."""
    path = reference.get("path")
    if path and path not in sys.path:
        sys.path.insert(0, path)


def load_workload(reference: WorkloadRef) -> Workload:
    """The object that `reference` names. Raises `ContractError` or `WorkloadError`, with where and what."""
    entry_point = reference["entry_point"]
    module_name, _, attribute = entry_point.partition(":")
    if not module_name or not attribute:
        raise ContractError(f"the workload's entry point `{entry_point}` must read `package.module:attribute`.")
    add_to_path(reference)
    with user_errors(f"the workload's module `{module_name}` cannot be imported"):
        _remember_root(module_name)
        module = _imported(module_name, reference)
    found = getattr(module, attribute, None)
    if found is None:
        raise ContractError(f"the module `{module_name}` ({module.__file__}) has no `{attribute}`.")
    if isinstance(found, type):
        with user_errors(f"the workload {entry_point} cannot be created"):
            found = found()
    _check(found, entry_point)
    return cast(Workload, found)


def _imported(module_name: str, reference: WorkloadRef) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise
        where = f"in {reference['path']}" if reference.get("path") else "among the installed packages"
        raise ContractError(f"there is no module `{module_name}` {where}: is the entry point right?") from None


def _check(found: Any, entry_point: str) -> None:
    missing = [name for name in MEMBERS if not hasattr(found, name)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise ContractError(f"the workload {entry_point} lacks {names} (see mlops_stacks.runtime.workload.Workload).")
    wrong = next((column for column in found.inputs if not isinstance(column, Column)), None)
    if wrong is not None or not found.inputs:
        raise ContractError(f"`inputs` of the workload {entry_point} must be a list of `Column`, not empty.")


@contextmanager
def user_errors(what: str) -> Iterator[None]:
    """Turn any exception of the block into a `WorkloadError` that begins with `what`.

    The traceback goes to the step's log. The place named is the innermost line of the workload's own package.
    """
    try:
        yield
    except RuntimeFault:
        raise
    except Exception as error:
        logging.getLogger("mlops_stacks").exception("%s", what)
        text = " ".join(str(error).split())
        reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise WorkloadError(f"{what}: {reason}{_place(error)}.") from error


def _place(error: Exception) -> str:
    """Where in the user's code it happened; a workload may be a folder of its own or an installed package."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename} line {error.lineno})"
    frames = [f for f in reversed(traceback.extract_tb(error.__traceback__)) if not f.filename.startswith(_FOREIGN)]
    users = [f for f in frames if f.filename.startswith(tuple(_roots))] if _roots else []
    for frame in users or [f for f in frames if "site-packages" not in f.filename]:
        return f" ({frame.filename} line {frame.lineno}, in {frame.name})"
    return ""


_roots: list[str] = []
"""Files and folders of the workload's top-level package, known once it was looked for."""

_FOREIGN = (
    str(Path(__file__).resolve().parents[1]) + os.sep,
    str(Path(traceback.__file__).resolve().parent) + os.sep + "importlib",
    "<",
)
"""Where frames of the runtime itself and of the import system are."""


def _remember_root(module_name: str) -> None:
    top = module_name.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is not None:
        _roots.extend(spec.submodule_search_locations or ([spec.origin] if spec.origin else []))
