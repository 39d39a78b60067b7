"""Promotion: approved versions go through the environments in the blueprint's order.

The first environment takes the latest approved version of each model that it follows (`release: latest_approved`), each
later one what the environment before it serves. Decided here and written to the release lock, as a release is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlops_stacks.blueprint.release_lock import read_lock
from mlops_stacks.executors.protocol import Executor
from mlops_stacks.operations.registry import registry_of
from mlops_stacks.operations.releasing import LATEST, Released, ReleaseError, release
from mlops_stacks.project import Project

NOTHING = "none"
"""How no version at all is said in one word."""


def promote(
    project: Project, executor: Executor, environment: str, chosen: Mapping[str, int] | None = None
) -> dict[str, Released]:
    """Release to an environment what has come so far, or the `chosen` versions; model -> what it came to.

    A model of which nothing has come so far is left as it is. Raises `ReleaseError`.
    """
    wanted = due(project, executor, environment) if chosen is None else dict(chosen)
    unknown = sorted(set(wanted) - set(_followed(project, environment)))
    if unknown:
        raise ReleaseError(
            f"{environment} does not follow approvals of `{unknown[0]}`: write `release: {LATEST}` there"
        )
    return {
        model: release(project, executor, model, str(version), environment, approve=False)
        for model, version in sorted(wanted.items())
    }


def due(project: Project, executor: Executor, environment: str) -> dict[str, int]:
    """Model -> the version that is an environment's turn."""
    found = ((model, _next(project, executor, environment, model)) for model in _followed(project, environment))
    return {model: version for model, version in found if version is not None}


def as_words(versions: Mapping[str, int]) -> str:
    """Versions in one line, e.g. `flight_delay=7 price=3`."""
    return " ".join(f"{model}={version}" for model, version in sorted(versions.items())) or NOTHING


def from_words(words: str) -> dict[str, int]:
    """What `as_words` wrote. Raises `ReleaseError`."""
    found: dict[str, int] = {}
    for word in words.split() if words.strip() != NOTHING else ():
        model, _, version = word.partition("=")
        if not model or not (version.isascii() and version.isdigit()):
            raise ReleaseError(f"`{word}` names no version: write e.g. `flight_delay=7`")
        found[model] = int(version)
    return found


def _followed(project: Project, environment: str) -> Iterator[str]:
    models = project.blueprint.scope(environment).settings.models
    return (name for name, model in sorted(models.items()) if model.release == LATEST)


def _next(project: Project, executor: Executor, environment: str, model: str) -> int | None:
    before = [
        name
        for name in project.blueprint.environments
        if name == environment or model in tuple(_followed(project, name))
    ]
    at = before.index(environment)
    if at:
        released = read_lock(project.root, project.blueprint.name, before[at - 1]).models.get(model)
        return released.version if released else None
    approved = (v.number for v in registry_of(project, executor).versions(model) if v.approval == "approved")
    return next(approved, None)
