"""Verbs before a first deployment: `bootstrap`, `preflight`."""

from __future__ import annotations

import typer

from mlops_stacks.cli.options import BlueprintOption, EnvironmentOption, JsonOption, open_project

PANEL = "Deploy"

_MARKS = {"ok": ("ok", None), "warning": ("warning", "yellow"), "error": ("error", "red")}


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(bootstrap)
    app.command(rich_help_panel=PANEL)(preflight)


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
    from dataclasses import asdict

    from mlops_stacks.cli.console import out, result_json
    from mlops_stacks.cli.exits import ExitCode, SilentError
    from mlops_stacks.operations.preflight import Outcome
    from mlops_stacks.operations.preflight import preflight as checked

    checks = list(checked(open_project(context, blueprint), environment))
    if json:
        result_json([asdict(check) for check in checks])
    else:
        for check in checks:
            mark, style = _MARKS[check.outcome.value]
            remedy = f"; {check.remedy}" if check.remedy else ""
            out().print(f"{mark:<8} {check.name}: {check.message}{remedy}", style=style, soft_wrap=True)
    if any(check.outcome is Outcome.ERROR for check in checks):
        raise SilentError(ExitCode.REFUSED)
