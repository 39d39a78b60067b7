"""Verbs that look at what is needed and what is there: `bootstrap`, `preflight`, `doctor`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mlops_stacks.cli.options import BlueprintOption, EnvironmentOption, JsonOption, ProgramOptions, open_project

if TYPE_CHECKING:
    from mlops_stacks.operations.preflight import Check

PANEL = "Deploy"

_MARKS = {"ok": ("ok", None), "warning": ("warning", "yellow"), "error": ("error", "red")}


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(bootstrap)
    app.command(rich_help_panel=PANEL)(preflight)
    app.command(rich_help_panel=PANEL)(doctor)


def bootstrap(context: typer.Context, environment: EnvironmentOption = None, blueprint: BlueprintOption = None) -> None:
    """Say what must exist before the first `up`: state backend, secrets provider, deployer role. Changes nothing."""
    from mlops_stacks.cli.console import out, result
    from mlops_stacks.operations.bootstrap import bootstrap as explained

    for section in explained(open_project(context, blueprint), environment):
        out().print(section.title, style="bold")
        for line in section.lines:
            result(f"  {line}")


def preflight(
    context: typer.Context,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    json: JsonOption = False,
) -> None:
    """Check this machine and its credentials before `up`; a line for each check, with the remedy. Calls no cloud."""
    from mlops_stacks.operations.preflight import preflight as checked

    _show(checked(open_project(context, blueprint), environment), json)


def doctor(
    context: typer.Context,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    json: JsonOption = False,
) -> None:
    """Say what this machine lacks or has left over, with the command that mends it. Works without a blueprint too."""
    from mlops_stacks.operations.doctor import doctor as examined

    options = context.find_object(ProgramOptions) or ProgramOptions()
    _show(examined(blueprint or options.blueprint, Path.cwd(), environment), json)


def _show(checks: Iterable[Check], json: bool) -> None:
    """A line for each check as it comes, or all as JSON; ends with exit code 1 where one is an error."""
    from dataclasses import asdict

    from mlops_stacks.cli.console import out, result_json
    from mlops_stacks.cli.exits import ExitCode, SilentError
    from mlops_stacks.operations.preflight import Outcome

    done = []
    for check in checks:
        done.append(check)
        if not json:
            mark, style = _MARKS[check.outcome.value]
            remedy = f"; {check.remedy}" if check.remedy else ""
            out().print(f"{mark:<8} {check.name}: {check.message}{remedy}", style=style, soft_wrap=True)
    if json:
        result_json([asdict(check) for check in done])
    if any(check.outcome is Outcome.ERROR for check in done):
        raise SilentError(ExitCode.REFUSED)
