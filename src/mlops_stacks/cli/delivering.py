"""Verbs that carry a blueprint out: `up`, `destroy`, `outputs`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from mlops_stacks.cli.options import (
    BlueprintOption,
    EnvironmentOption,
    ExecutorName,
    ExecutorOption,
    JsonOption,
    executor_for,
    open_project,
)

PANEL = "Deploy"


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(up)
    app.command(rich_help_panel=PANEL)(outputs)
    app.command(rich_help_panel=PANEL)(destroy)


def up(
    context: typer.Context,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
    timings: Annotated[bool, typer.Option("--timings", help="Show in a table what took how long.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print exports and timings as JSON.")] = False,
) -> None:
    """Make everything as the blueprint says: the shared scope first, then the environments. May be run again."""
    from mlops_stacks.cli.console import note, result, result_json
    from mlops_stacks.cli.progress import Progress
    from mlops_stacks.operations import deploying
    from mlops_stacks.operations.next_steps import next_steps

    project = open_project(context, blueprint, releases=True)
    project.scopes(environment)
    remarks: list[str] = []
    with Progress() as progress:
        carried = deploying.up(project, executor_for(project, executor, progress.observe), environment)
        exported: dict[str, dict[str, Any]] = {}
        for scope in project.scopes(environment):
            progress.begin(project.blueprint.stack(scope))
            done = next(carried)
            exported[scope] = dict(done.result.outputs)
            progress.end(done.result.remaining)
            remarks += done.remarks
        progress.summary(table=timings)
    for remark in remarks:
        note(f"Warning: {remark}", style="yellow")
    if json:
        result_json({"exports": exported, "timings": progress.clock.document()})
        return
    for line in next_steps(project, exported):
        result(line)


def destroy(
    context: typer.Context,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Take everything away that `up` made, and say what is left. What is protected stops it before it begins."""
    from mlops_stacks.cli.console import note, result
    from mlops_stacks.cli.exits import CommandError, ExitCode
    from mlops_stacks.cli.progress import Progress
    from mlops_stacks.operations import deploying

    project = open_project(context, blueprint)
    project.scopes(environment)
    what = project.blueprint.name if environment is None else project.blueprint.stack(environment)
    if not yes:
        if not sys.stdin.isatty():
            raise CommandError("nobody is there to be asked: add --yes if you mean it", ExitCode.USAGE)
        typer.confirm(f"Destroy {what} and everything that its lifecycle does not keep?", abort=True, err=True)
    remaining: list[str] = []
    remarks: list[str] = []
    scopes = project.blueprint.scopes if environment is None else (environment,)
    with Progress() as progress:
        carried = deploying.destroy(project, executor_for(project, executor, progress.observe), environment)
        for scope in reversed(scopes):
            progress.begin(project.blueprint.stack(scope))
            done = next(carried)
            remaining += done.result.remaining
            remarks += done.remarks
            progress.end()
    if remaining:
        note("What is left:")
        for sentence in remaining:
            note(f"  {sentence}")
    for remark in remarks:
        note(remark)
    result(f"Destroyed {what}." if not remaining else f"Destroyed {what}, except for what is named above.")


def outputs(
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Argument(help="One value, e.g. serving.endpoints; default: all.", show_default=False),
    ] = None,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
    json: JsonOption = False,
) -> None:
    """Print what the stages export: addresses, names, versions."""
    from mlops_stacks.cli.console import result, result_json
    from mlops_stacks.operations.exports import exports_of, flattened, select

    project = open_project(context, blueprint)
    found = select(exports_of(project, executor_for(project, executor), environment), key)
    if json:
        result_json(found)
        return
    if not isinstance(found, dict):
        result(str(found))
        return
    for path, value in flattened(found, key or ""):
        result(f"{path} = {value}")
