"""The verb that compares: `diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_stacks.cli.options import BlueprintOption, JsonOption, ProgramOptions, open_project

if TYPE_CHECKING:
    from mlops_stacks.project import Project
    from mlops_stacks.reports.comparison import Comparison

PANEL = "Look before you deploy"


def add_to(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command(rich_help_panel=PANEL)(diff)


def diff(
    context: typer.Context,
    left: Annotated[
        str | None, typer.Argument(metavar="A", help="An environment, or a blueprint's file.", show_default=False)
    ] = None,
    right: Annotated[
        str | None, typer.Argument(metavar="B", help="What to compare it with.", show_default=False)
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option("--platform", "-p", metavar="NAME", help="Instead: the same blueprint on it.", show_default=False),
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="Show as well what differs only by names.")] = False,
    blueprint: BlueprintOption = None,
    json: JsonOption = False,
) -> None:
    """Compare two environments, two blueprints, or a blueprint with itself on another platform. Exit code 1: different.

    Resources are counterparts where stage, type and name are the same. Secrets are masked before they are compared.
    """
    from mlops_stacks.cli.console import note, result_json
    from mlops_stacks.cli.exits import ExitCode, SilentError
    from mlops_stacks.reports.comparison import document, summary

    found = _compared(context, blueprint, left, right, platform)
    if json:
        result_json(document(found))
    else:
        _show(found, names)
        note(summary(found))
    if not found.equal:
        raise SilentError(ExitCode.REFUSED)


def _compared(
    context: typer.Context, blueprint: Path | None, left: str | None, right: str | None, platform: str | None
) -> Comparison:
    from mlops_stacks.cli.exits import CommandError, ExitCode
    from mlops_stacks.operations import comparing

    if platform is not None:
        if right is not None:
            raise CommandError("with --platform, name one blueprint at most", ExitCode.USAGE)
        chosen = Path(left) if left is not None else blueprint
        return comparing.compare_platforms(open_project(context, chosen, releases=True), platform)
    if left is None or right is None:
        raise CommandError("name two environments or two blueprints, or add --platform", ExitCode.USAGE)
    if _is_file(left) and _is_file(right):
        return comparing.compare_blueprints(Path(left), Path(right))
    if _is_file(left) or _is_file(right):
        # `diff other.yaml` with the blueprint that the program was given would be a guess.
        raise CommandError("name two blueprints or two environments, not one of each", ExitCode.USAGE)
    options = context.find_object(ProgramOptions) or ProgramOptions()
    project = open_project(context, blueprint or options.blueprint, releases=True)
    _refuse_platforms(project, left, right)
    return comparing.compare_environments(project, left, right)


def _refuse_platforms(project: Project, *asked: str) -> None:
    """Whoever names a platform where an environment belongs means the option."""
    from mlops_stacks.blueprint.vocabulary import is_platform
    from mlops_stacks.cli.exits import CommandError, ExitCode

    named = [name for name in asked if name not in project.blueprint.scopes and is_platform(name)]
    others = [name for name in named if name != project.blueprint.platform] or named
    if others:
        raise CommandError(
            f"`{others[0]}` is a platform and no environment of {project.file.name}: to compare the blueprint with "
            f"itself there, mlops-stacks diff --platform {others[0]}",
            ExitCode.USAGE,
        )


def _is_file(argument: str) -> bool:
    """Environments are plain names: whatever has a suffix or a folder is a file, whether it is there or not."""
    return Path(argument).suffix in {".yaml", ".yml"} or "/" in argument


def _show(found: Comparison, names: bool) -> None:
    from mlops_stacks.cli.console import result, table
    from mlops_stacks.reports.comparison import COLUMNS, rows, stages

    for stage in stages(found):
        lines = rows(found, stage, renamed=names)
        remarks = [remark.text for remark in found.remarks if remark.stage == stage]
        if lines or remarks:
            table(stage, (*COLUMNS, found.left, found.right), lines, remarks[0] if remarks else "")
            for remark in remarks if lines else remarks[1:]:
                result(f"  {remark}")
