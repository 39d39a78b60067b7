"""Verbs that look ahead, offline: `plan`, `render`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_stacks.cli.options import BlueprintOption, EnvironmentOption, open_project

if TYPE_CHECKING:
    from mlops_stacks.plan import Plan

PANEL = "Look before you deploy"


class Format(StrEnum):
    """How a plan is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(plan)
    app.command(rich_help_panel=PANEL)(render)


def plan(
    context: typer.Context,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to show it.")] = Format.TEXT,  # noqa: A002
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.", show_default=False),
    ] = None,
) -> None:
    """Show every resource that would be there, checked. Needs no cloud and no credentials. Exit code 1 on errors."""
    from mlops_stacks.cli.exits import ExitCode, SilentError
    from mlops_stacks.cli.writing import emit
    from mlops_stacks.operations.planning import plan as planned

    made = planned(open_project(context, blueprint, releases=True), environment)
    if format is Format.TEXT and output is None:
        from mlops_stacks.cli.console import out
        from mlops_stacks.reports.terminal import render as drawn

        out().print(drawn(made))
    else:
        emit(_document(made, format), output)
    if output is not None:
        from mlops_stacks.cli.console import note

        note(f"wrote {output}: {len(made.errors)} errors, {len(made.findings) - len(made.errors)} other findings")
    if made.errors:
        raise SilentError(ExitCode.REFUSED)


def render(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where to write; made if it is not there.")],
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    repository: Annotated[
        bool,
        typer.Option("--repository", help="Only the files that belong into the repository (--to), at their places."),
    ] = False,
) -> None:
    """Write every document of the plan (policies, pipelines, settings, files) to a folder, to be read and compared."""
    from mlops_stacks.cli.console import note, result
    from mlops_stacks.operations.documents import documents_of, repository_files, write_documents
    from mlops_stacks.operations.planning import plan as planned

    made = planned(open_project(context, blueprint, releases=True), environment)
    written = write_documents(repository_files(made) if repository else documents_of(made), to)
    for path in written:
        result(str(path))
    note(f"{len(written)} documents in {to}")


def _document(made: Plan, format: Format) -> str:  # noqa: A002  as the option is called
    if format is Format.JSON:
        from mlops_stacks.reports.document import render_json

        return render_json(made)
    if format is Format.MARKDOWN:
        from mlops_stacks.reports.markdown import render_markdown

        return render_markdown(made)
    if format is Format.HTML:
        from mlops_stacks.reports.html import render_html

        return render_html(made)
    from mlops_stacks.reports.terminal import render_text

    return render_text(made)
