"""Verbs that look at what is there: `status`, `open`, `logs`, `acknowledge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_stacks.cli.options import (
    BlueprintOption,
    EnvironmentOption,
    ExecutorName,
    ExecutorOption,
    JsonOption,
    OneEnvironmentOption,
    executor_for,
    one_environment,
    open_project,
)

if TYPE_CHECKING:
    from mlops_stacks.blueprint.vocabulary import Stage
    from mlops_stacks.executors.protocol import Executor
    from mlops_stacks.operations.status_server import StatusServer
    from mlops_stacks.project import Project

PANEL = "Look at what is there"

StageArgument = Annotated[str, typer.Argument(metavar="STAGE", help="Name of a stage, e.g. serving.")]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(status)
    app.command("open", rich_help_panel=PANEL)(open_pages)
    app.command(rich_help_panel=PANEL)(logs)
    app.command(rich_help_panel=PANEL)(acknowledge)


def status(
    context: typer.Context,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
    json: JsonOption = False,
) -> None:
    """Show stages, processes, endpoints, models with their versions, and the last runs."""
    from mlops_stacks.cli.console import result_json
    from mlops_stacks.cli.status_tables import show
    from mlops_stacks.operations.status import status as current

    project = open_project(context, blueprint)
    found = current(project, executor_for(project, executor), environment)
    if json:
        result_json(found)
    else:
        show(found)


def open_pages(
    context: typer.Context,
    stage: Annotated[
        str | None,
        typer.Argument(metavar="[STAGE]", help="E.g. serving; without one: the status page.", show_default=False),
    ] = None,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
    browser: Annotated[bool, typer.Option(help="Start a browser, or only print.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the status page; 0: any that is free.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the status page of this moment to a file.", show_default=False
        ),
    ] = None,
) -> None:
    """Open the status page, which lasts until Ctrl-C, or the pages of a stage; print where they are."""
    from mlops_stacks.cli.exits import CommandError, ExitCode

    project = open_project(context, blueprint)
    chosen = executor_for(project, executor)
    if stage is None:
        _open_status(project, chosen, environment, browser=browser, port=port, output=output)
    elif output is not None:
        raise CommandError("--output is for the status page: leave out the stage", ExitCode.USAGE)
    else:
        _open_stage(project, chosen, _stage(stage), environment, browser=browser, port=port)


def _open_stage(
    project: Project, executor: Executor, stage: Stage, environment: str | None, *, browser: bool, port: int
) -> None:
    from mlops_stacks.cli.console import result
    from mlops_stacks.operations.pages import page_here, pages_of

    page = page_here(project, executor, stage, environment)
    if page is not None:
        _serve_status(project, executor, environment, browser=browser, port=port, page=page)
        return
    pages = pages_of(project, executor, stage, environment)
    for name, url in pages:
        result(f"{name}: {url}")
    if browser:
        _browse(pages[0][1])


def _open_status(
    project: Project, executor: Executor, environment: str | None, *, browser: bool, port: int, output: Path | None
) -> None:
    """Serve the status page until Ctrl-C, or write it to a file."""
    from mlops_stacks.cli.console import note
    from mlops_stacks.operations.status_page import snapshot
    from mlops_stacks.reports.status_page import render_status

    project.scopes(environment)
    if output is not None:
        from mlops_stacks.cli.writing import emit

        emit(render_status(snapshot(project, executor, environment), live=False), output)
        note(f"wrote {output}")
        return
    _serve_status(project, executor, environment, browser=browser, port=port)


def _serve_status(
    project: Project, executor: Executor, environment: str | None, *, browser: bool, port: int, page: str = ""
) -> None:
    """Serve the status page, and those beside it, until Ctrl-C; `page` is the one that is looked at first."""
    from mlops_stacks.cli.console import note, result

    server = _status_server(project, executor, environment, port)
    result(f"{page or 'status'}: {server.url}{page}")
    note("It is there until you press Ctrl-C; the platform runs on without it.")
    if browser:
        _browse(f"{server.url}{page}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()


def _status_server(project: Project, executor: Executor, environment: str | None, port: int) -> StatusServer:
    from mlops_stacks.cli.exits import CommandError
    from mlops_stacks.operations.pages import FEATURES_PAGE
    from mlops_stacks.operations.status_page import snapshot
    from mlops_stacks.operations.status_server import StatusServer
    from mlops_stacks.reports.features_page import render_features
    from mlops_stacks.reports.status_page import render_status

    try:
        return StatusServer(
            port,
            lambda: snapshot(project, executor, environment),
            lambda found: render_status(found, live=True),
            {FEATURES_PAGE: render_features},
        )
    except OSError as error:
        raise CommandError(f"port {port} cannot be used ({error.strerror}): choose another with --port") from error


def _browse(url: str) -> None:
    import webbrowser

    from mlops_stacks.cli.console import note

    if not webbrowser.open(url):
        note("No browser could be started here.")


def logs(
    context: typer.Context,
    stage: StageArgument,
    environment: EnvironmentOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until you interrupt it.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each log.")] = 50,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Show the logs of a stage's programs on this machine; of a training pipeline also those of the last run."""
    from mlops_stacks.cli.console import note
    from mlops_stacks.cli.exits import CommandError
    from mlops_stacks.operations.deployed import log_files
    from mlops_stacks.operations.logs import follow as followed
    from mlops_stacks.operations.logs import tail

    project = open_project(context, blueprint)
    wanted = _stage(stage)
    files = log_files(project, executor_for(project, executor), wanted, project.scopes(environment))
    if not files:
        raise CommandError(f"{wanted} keeps no log on this machine; see `mlops-stacks status`")
    for name, path in files:
        note(f"{name}: {path}", style="bold")
        last = tail(path, lines)
        for line in last:
            _line(line)
        if not last and lines:
            note("  it is empty so far")
    if follow:
        try:
            for name, line in followed(files):
                _line(line if len(files) == 1 else f"{name} | {line}")
        except KeyboardInterrupt:
            return


def _line(line: str) -> None:
    """A log's line as it is; what a terminal would take for a command is made visible."""
    typer.echo("".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line))


def _stage(name: str) -> Stage:
    """The stage of this name, hyphens allowed. Raises a sentence with the nearest one."""
    from difflib import get_close_matches

    from mlops_stacks.blueprint.vocabulary import Stage
    from mlops_stacks.cli.exits import CommandError, ExitCode

    names = [stage.value for stage in Stage]
    plain = name.replace("-", "_")
    if plain in names:
        return Stage(plain)
    close = get_close_matches(plain, names, 1)
    hint = f"did you mean `{close[0]}`?" if close else f"the stages are {', '.join(names)}"
    raise CommandError(f"there is no stage `{name}`: {hint}", ExitCode.USAGE)


def acknowledge(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The blueprint's name of the model.")],
    alarm: Annotated[
        str | None, typer.Argument(metavar="[ALARM]", help="Its name, as `status --json` says; default: all.")
    ] = None,
    environment: OneEnvironmentOption = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Record that you look after the open alarms of a model, so that others need not."""
    from mlops_stacks.cli.console import result
    from mlops_stacks.operations import watching

    project = open_project(context, blueprint)
    chosen = one_environment(project, environment)
    for name in watching.acknowledge(project, executor_for(project, executor), chosen, model, alarm):
        result(f"{name} is acknowledged.")
