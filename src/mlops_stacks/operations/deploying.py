"""`up` and `destroy`: every scope in order, by the executor that suits the blueprint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Generic, TypeVar

from mlops_stacks.blueprint.vocabulary import SHARED
from mlops_stacks.compose.program import compose
from mlops_stacks.executors.events import Observer
from mlops_stacks.executors.protocol import DestroyResult, Executor, NotDeployedError, UpResult
from mlops_stacks.project import Project


class ExecutorChoice(StrEnum):
    """Who carries a composed program out."""

    AUTO = "auto"
    """The embedded one for a blueprint that is all local, else the Pulumi CLI."""
    EMBEDDED = "embedded"
    PULUMI = "pulumi"


Result = TypeVar("Result", UpResult, DestroyResult)


@dataclass(frozen=True)
class ScopeResult(Generic[Result]):
    """What an executor did in one scope."""

    scope: str
    result: Result
    remarks: tuple[str, ...] = ()
    """Sentences on locks: what they name that is not there, or which of them went along."""


def executor_for(project: Project, choice: ExecutorChoice, observer: Observer) -> Executor:
    """The executor that a command uses. Raises what the executor says of a machine on which it cannot work."""
    embedded = choice is ExecutorChoice.EMBEDDED or (choice is ExecutorChoice.AUTO and project.is_local)
    if embedded:
        from mlops_stacks.executors.embedded.executor import EmbeddedExecutor

        return EmbeddedExecutor(project.home / "state", observer)
    from mlops_stacks.executors.pulumi_cli import PulumiCliExecutor

    return PulumiCliExecutor(project, observer)


def up(project: Project, executor: Executor, environment: str | None = None) -> Iterator[ScopeResult[UpResult]]:
    """Bring every scope to what the blueprint says, the shared one first.

    An environment whose release was rejected in the registry is refused before it is touched: `ReleaseError`. A release
    or delivery of what is not there is left out, and a remark says so.
    """
    from mlops_stacks.operations.locks import usable

    for scope in project.scopes(environment):
        known, remarks = usable(project, executor, scope)
        result = executor.up(partial(compose, known, scope), project.identity(scope))
        yield ScopeResult(scope, result, remarks)


def destroy(
    project: Project, executor: Executor, environment: str | None = None
) -> Iterator[ScopeResult[DestroyResult]]:
    """Take scopes away, in the opposite order. Of one environment only that environment goes: others share the rest.

    While anything in any of them is protected, nothing in any of them is deleted. The shared scope does not go while an
    environment that stands on it is there: raises `StillInUseError`. Locks that name versions or packages which went
    with the shared scope go too, and a remark says so.
    """
    from mlops_stacks.operations.locks import forget, named_by_locks

    scopes = project.blueprint.scopes if environment is None else (environment,)
    if environment == SHARED:
        _refuse_in_use(project, executor)
    if environment is not None:
        project.scopes(environment)
    for scope in scopes:
        executor.refuse_protected(project.identity(scope))
    for scope in reversed(scopes):
        exported = named_by_locks(project, executor, scope)
        done = executor.destroy(project.identity(scope))
        yield ScopeResult(scope, done, forget(project, exported, scope, done))


class StillInUseError(Exception):
    """Environments stand on what is to be destroyed; the sentence names them."""


def _refuse_in_use(project: Project, executor: Executor) -> None:
    standing = [name for name in project.blueprint.environments if _is_deployed(project, executor, name)]
    if standing:
        raise StillInUseError(
            f"the shared scope is what {', '.join(standing)} stand on: destroy these first, "
            "or everything with `mlops-stacks destroy`"
        )


def _is_deployed(project: Project, executor: Executor, scope: str) -> bool:
    try:
        return bool(executor.outputs(project.blueprint.stack(scope)))
    except NotDeployedError:
        return False


def contracts(project: Project, executor: Executor, scope: str) -> Mapping[str, Any]:
    """What a scope exports, by stage; in an environment also what the shared scope exports."""
    own = executor.outputs(project.blueprint.stack(scope))
    return own if scope == SHARED else {**executor.outputs(project.blueprint.stack(SHARED)), **own}
