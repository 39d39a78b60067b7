"""Find a blueprint, load it, and resolve its releases: what every command begins with."""

from __future__ import annotations

from pathlib import Path

from mlops_stacks.blueprint.delivery_lock import Delivered, read_delivery_lock
from mlops_stacks.blueprint.loading import LoadedBlueprint, load
from mlops_stacks.blueprint.problems import BlueprintError, Problem
from mlops_stacks.blueprint.release_lock import resolve_releases
from mlops_stacks.project import Project

DEFAULT_FILE = "blueprint.yaml"
FOLDER = "blueprints"


class NoBlueprintError(Exception):
    """No blueprint was named, and there is none, or more than one, to be found."""


def find_blueprint(asked: Path | None, folder: Path) -> Path:
    """The blueprint that was asked for, or the obvious one of a folder. Raises `NoBlueprintError`."""
    if asked is not None:
        return asked
    default = folder / DEFAULT_FILE
    if default.exists():
        return default
    found = sorted(path for path in (folder / FOLDER).glob("*.y*ml") if path.suffix in {".yaml", ".yml"})
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found)
        raise NoBlueprintError(f"there are several blueprints in {FOLDER}/ ({names}): choose one with --blueprint FILE")
    raise NoBlueprintError(
        f"there is no {DEFAULT_FILE} here and none in {FOLDER}/: write one with `mlops-stacks init`, "
        "or name one with --blueprint FILE"
    )


def open_project(asked: Path | None, folder: Path, *, releases: bool = True) -> Project:
    """The project of a blueprint. Raises `NoBlueprintError` and `BlueprintError`.

    Without `releases` the locks of releases and deliveries are not looked at: whoever mends a lock must be able to open
    its project.
    """
    loaded = load(find_blueprint(asked, folder))
    file = loaded.file.absolute()
    if not releases:
        return Project(loaded.blueprint, file, {})
    return Project(loaded.blueprint, file, _releases(loaded), _deliveries(loaded))


def _releases(loaded: LoadedBlueprint) -> dict[str, dict[str, str]]:
    """Environment -> model -> version, of all that is released. Raises `BlueprintError` with every refused one."""
    found: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for environment in loaded.blueprint.environments:
        try:
            resolved = resolve_releases(loaded, environment)
        except BlueprintError as error:
            problems += error.problems
        else:
            found[environment] = {model: version for model, version in resolved.items() if version is not None}
    if problems:
        raise BlueprintError(problems)
    return found


def _deliveries(loaded: LoadedBlueprint) -> dict[str, Delivered]:
    """Environment -> the package that was delivered to it, where the stage is there. Raises `BlueprintError`."""
    blueprint = loaded.blueprint
    locks = {
        name: read_delivery_lock(loaded.root, blueprint.name, name)
        for name, environment in blueprint.environments.items()
        if environment.settings.stages.pipeline_delivery is not None
    }
    return {name: lock.delivered for name, lock in locks.items() if lock.delivered is not None}
