"""Verbs of delivery: `packages`, `deliver`, `withdraw`, `promote`."""

from __future__ import annotations

from typing import Annotated

import typer

from mlops_stacks.cli.options import (
    BlueprintOption,
    ExecutorName,
    ExecutorOption,
    JsonOption,
    OneEnvironmentOption,
    executor_for,
    one_environment,
    open_project,
)

PANEL = "Deliver pipelines"


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(packages)
    app.command(rich_help_panel=PANEL)(deliver)
    app.command(rich_help_panel=PANEL)(withdraw)
    app.command(rich_help_panel=PANEL)(promote)


def packages(
    context: typer.Context,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
    json: JsonOption = False,
) -> None:
    """List the builds of CI 1 and the pipeline packages that came of them, and what each environment runs."""
    from dataclasses import asdict

    from mlops_stacks.cli.console import note, result_json
    from mlops_stacks.cli.console import table as print_table
    from mlops_stacks.operations import packages as operations

    project = open_project(context, blueprint)
    carried_out = executor_for(project, executor)
    made = operations.packages_of(project, carried_out)
    builds = operations.builds_of(project, carried_out)
    locks = operations.locks_of(project)
    repository = operations.repository_of(project, carried_out)
    if json:
        result_json(
            {
                "repository": repository,
                "packages": [asdict(package) for package in made],
                "builds": builds,
                "deliveries": {name: lock.model_dump(mode="json") for name, lock in locks.items()},
            }
        )
        return
    columns = ("number", "outcome", "commit", "made", "tests", "runs in, or why not")
    rows = [
        (str(each.number), each.outcome, each.commit[:12], each.made[:16], each.tests, each.remark)
        for each in (operations.overview(made, builds, locks))
    ]
    if repository is not None:
        note(f"The repository of CI 1: {repository}")
    print_table("Pipeline packages", columns, rows, "no build yet: push a commit to the repository of CI 1")


def deliver(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Number of the package.")],
    environment: OneEnvironmentOption = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Record your approval; every environment but the first needs one.")
    ] = False,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Write to an environment's delivery lock which pipeline package it runs from the next `up` on."""
    from mlops_stacks.cli.console import result, wrote
    from mlops_stacks.operations import packages as operations

    number = _number(version)
    project = open_project(context, blueprint)
    where = one_environment(project, environment)
    done = operations.deliver(project, executor_for(project, executor), number, where, approve)
    if done.changed:
        result(f"{where} runs package {version} after the next `up` (before: {_words(done.before)}).")
        wrote(done.lock, f"mlops-stacks up --environment {where}")
    else:
        result(f"{where} has package {version} already.")


def withdraw(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the lock.")],
    environment: OneEnvironmentOption = None,
    blueprint: BlueprintOption = None,
) -> None:
    """Roll an environment back to the pipeline package that it ran before."""
    from mlops_stacks.cli.console import result, wrote
    from mlops_stacks.operations import packages as operations

    project = open_project(context, blueprint)
    where = one_environment(project, environment)
    done = operations.withdraw(project, where, reason)
    result(f"{where} goes back from package {done.before} to {_words(done.version)} with the next `up`.")
    wrote(done.lock, f"mlops-stacks up --environment {where}")


def promote(
    context: typer.Context,
    environment: OneEnvironmentOption = None,
    versions: Annotated[
        str | None,
        typer.Option("--versions", metavar="WORDS", help="These, e.g. 'flight_delay=7'; default: what is its turn."),
    ] = None,
    terse: Annotated[bool, typer.Option("--terse", help="Print the versions alone, for --versions.")] = False,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Release what is an environment's turn: the latest approved versions, or what the environment before serves."""
    from mlops_stacks.cli.console import result, wrote
    from mlops_stacks.operations import promoting

    project = open_project(context, blueprint)
    where = one_environment(project, environment)
    chosen = None if versions is None else promoting.from_words(versions)
    done = promoting.promote(project, executor_for(project, executor), where, chosen)
    if terse:
        result(promoting.as_words({model: released.version for model, released in done.items()}))
        return
    for model, released in done.items():
        before = released.previous or "none"
        result(f"{where} serves version {released.version} of {model} after the next `up` (before: {before}).")
    if not done:
        result(f"Nothing has come as far as {where} yet.")
    elif any(released.changed for released in done.values()):
        wrote(next(iter(done.values())).lock, f"mlops-stacks up --environment {where}")


def _number(asked: str) -> int:
    from mlops_stacks.cli.exits import CommandError, ExitCode

    if not (asked.isascii() and asked.isdigit() and int(asked) >= 1):
        raise CommandError(
            f"`{asked}` is no package: write its number, as `mlops-stacks packages` shows it", ExitCode.USAGE
        )
    return int(asked)


def _words(version: int | None) -> str:
    return "the workload's own folder" if version is None else f"package {version}"
