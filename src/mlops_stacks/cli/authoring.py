"""Verbs around the text of a blueprint: `init`, `validate`, `schema`, `platforms`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mlops_stacks.cli.options import BlueprintOption, JsonOption, open_project

PANEL = "Write a blueprint"

PLATFORMS = ("local", "aws", "gcp", "azure", "kubernetes")


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(init)
    app.command(rich_help_panel=PANEL)(validate)
    app.command(rich_help_panel=PANEL)(schema)
    app.command(rich_help_panel=PANEL)(platforms)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")] = Path(),
    name: Annotated[
        str | None, typer.Option(help="Name of the blueprint; default: the folder's.", show_default=False)
    ] = None,
    platform: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(PLATFORMS)}; default: local.", show_default=False)
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option("--environment", "-e", help="An environment; may be repeated; default: dev.", show_default=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model of the workload; default: none yet.", show_default=False)
    ] = None,
    workload: Annotated[
        str | None,
        typer.Option(metavar="PACKAGE.MODULE:NAME", help="The workload's entry point.", show_default=False),
    ] = None,
    workload_path: Annotated[str, typer.Option(help="Folder of the workload's package, from the blueprint.")] = ".",
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="A field of every environment's target on a cloud, e.g. account=123456789012; may be repeated.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take defaults.")] = False,
) -> None:
    """Write a blueprint, a Pulumi project and a .gitignore. Asks for what no option says; never overwrites a file."""
    from mlops_stacks.cli.console import note, result
    from mlops_stacks.cli.questions import ask, ask_target
    from mlops_stacks.operations.starting import Start, default_name, required_target, write_project

    asks = sys.stdin.isatty() and not yes
    name = name or ask("Name of the blueprint", default_name(folder), asks)
    platform = platform or ask(f"Platform ({', '.join(PLATFORMS)})", "local", asks)
    environments = environment or ask("Environments, in the order of promotion", "dev", asks).replace(",", " ").split()
    if model is None and platform == "local":
        model = ask("Name of a first model (empty: none yet)", "", asks) or None
    if model is not None and workload is None and platform == "local":
        workload = ask("Entry point of its code, package.module:name", f"{model}.workload:workload", asks)
    fields = ask_target(required_target(platform), target or [], asks)
    start = Start(name, platform, tuple(environments), fields, model, workload, workload_path)
    for path in write_project(folder, start):
        note(f"wrote {path}")
    result("Next: mlops-stacks validate, then mlops-stacks plan, then mlops-stacks up.")


def validate(context: typer.Context, blueprint: BlueprintOption = None, json: JsonOption = False) -> None:
    """Check a blueprint and say everything that is wrong with it, with file, line and remedy."""
    from dataclasses import asdict

    from mlops_stacks.blueprint.problems import BlueprintError
    from mlops_stacks.cli.console import note, result, result_json
    from mlops_stacks.cli.exits import ExitCode, SilentError
    from mlops_stacks.operations.workload_files import lacks_of

    try:
        project = open_project(context, blueprint, releases=True)
    except BlueprintError as error:
        if not json:
            raise
        result_json(
            {
                "valid": False,
                "problems": [
                    {"file": p.file, "line": p.line, "field": p.field, "message": p.message, "fix": p.fix}
                    for p in error.problems
                ],
            }
        )
        raise SilentError(ExitCode.REFUSED) from None
    lacks = list(lacks_of(project, project.blueprint.scopes))
    if json:
        result_json({"valid": True, "problems": [], "warnings": [asdict(lack) for lack in lacks]})
        return
    environments = ", ".join(project.blueprint.environments)
    scopes = [project.blueprint.scope(name) for name in project.blueprint.scopes]
    stages = len({stage for scope in scopes for stage, _ in scope.settings.stages.items()})
    result(f"{project.file}: valid ({project.blueprint.platform}; {stages} stages; environments {environments})")
    for lack in lacks:
        note(f"Warning: {lack.message}; {lack.remedy}.", style="yellow")


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.")] = None,
) -> None:
    """Print the JSON Schema of blueprints, for editors."""
    from mlops_stacks.cli.writing import emit
    from mlops_stacks.operations.documents import blueprint_schema

    emit(blueprint_schema(), output)


def platforms(json: JsonOption = False) -> None:
    """Show which engine implements which stage on which platform, and which of them are ready."""
    from mlops_stacks.cli.console import result, result_json, table
    from mlops_stacks.operations.capabilities import capabilities

    rows = list(capabilities())
    if json:
        result_json([row.as_json() for row in rows])
        return
    columns = ("stage", "platform", "engine", "what it is", "state")
    table(
        "Engines",
        columns,
        [(r.stage, r.platform, r.engine + (" (default)" if r.default else ""), r.title, r.state) for r in rows],
        "none",
    )
    result("")
    result("`ready` has a component; `planned` is refused by `validate` until it has one.")
