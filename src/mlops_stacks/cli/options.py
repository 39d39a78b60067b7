"""Options that more than one verb has, and what a verb is handed from the program's own options."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlops_stacks.executors.events import Observer
    from mlops_stacks.executors.protocol import Executor
    from mlops_stacks.project import Project

_BLUEPRINT_HELP = "The blueprint; default: blueprint.yaml here, or the only one in blueprints/."

BlueprintOption = Annotated[
    Path | None, typer.Option("--blueprint", "-b", metavar="FILE", help=_BLUEPRINT_HELP, show_default=False)
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option("--environment", "-e", metavar="NAME", help="One environment; default: all.", show_default=False),
]
OneEnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--environment",
        "-e",
        metavar="NAME",
        help="The environment; may be left out where the blueprint has only one.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class ExecutorName(StrEnum):
    """As `operations.deploying.ExecutorChoice`, without its imports."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    PULUMI = "pulumi"


ExecutorOption = Annotated[
    ExecutorName,
    typer.Option(
        "--executor",
        help="Who carries it out: the embedded executor (all stages on this machine), or the Pulumi CLI.",
    ),
]


@dataclass(frozen=True)
class ProgramOptions:
    """The options before the verb."""

    blueprint: Path | None = None


def open_project(context: typer.Context, blueprint: Path | None, *, releases: bool = False) -> Project:
    """The project that a verb works on: of its own `--blueprint`, else of the program's, else of the folder.

    With `releases` the release locks are read as well, and one that names a rejected version is refused.
    """
    from mlops_stacks.operations.opening import open_project as opened

    options = context.find_object(ProgramOptions) or ProgramOptions()
    return opened(blueprint or options.blueprint, Path.cwd(), releases=releases)


def executor_for(project: Project, name: ExecutorName, observer: Observer | None = None) -> Executor:
    """The executor that was asked for."""
    from mlops_stacks.executors.events import ignore
    from mlops_stacks.operations import deploying

    return deploying.executor_for(project, deploying.ExecutorChoice(name.value), observer or ignore)


def one_environment(project: Project, asked: str | None) -> str:
    """The environment that was asked for, or the only one. Raises a sentence where there is a choice to make."""
    from mlops_stacks.cli.exits import CommandError, ExitCode

    if asked is not None:
        project.scopes(asked)
        return asked
    names = tuple(project.blueprint.environments)
    if len(names) > 1:
        raise CommandError(f"there are several environments: add --environment {'|'.join(names)}", ExitCode.USAGE)
    return names[0]
