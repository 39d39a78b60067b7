"""Verbs that use what is deployed: `run`, `predict`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mlops_stacks.cli.options import (
    BlueprintOption,
    ExecutorName,
    ExecutorOption,
    OneEnvironmentOption,
    executor_for,
    one_environment,
    open_project,
)

PANEL = "Train and release"


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(rich_help_panel=PANEL)(run)
    app.command(rich_help_panel=PANEL)(predict)


def run(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="Name of the model whose pipeline is run.")],
    environment: OneEnvironmentOption = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter for this run; may be repeated."),
    ] = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Run a training pipeline here and now, step by step, and register the model if it is accepted."""
    from mlops_stacks.cli.console import result
    from mlops_stacks.cli.questions import pairs
    from mlops_stacks.operations import running

    pairs(parameter or [], "--parameter")
    project = open_project(context, blueprint)
    where = one_environment(project, environment)
    definition = running.definition_of(project, executor_for(project, executor), pipeline, where)
    ended = running.run(definition, parameter or [], _show)
    _refuse_failure(ended)
    registered = ended.event.get("result") or {}
    if registered.get("version"):
        version, approval = registered["version"], registered.get("approval", "pending")
        result(f"Registered version {version} of {pipeline} ({approval}).")
        wanted = "" if approval == "approved" else " --approve"
        result(f"Next: mlops-stacks release {pipeline} {version} --environment {where}{wanted}, then mlops-stacks up.")


def _show(event: Mapping[str, Any]) -> None:
    """A line for each event of a run."""
    from mlops_stacks.cli.console import note

    kind = event["event"]
    if kind == "run_started":
        note(f"run {event['run_id']}: {len(event['steps'])} steps; logs in {event['folder']}/logs")
    elif kind == "step_started":
        again = f" (attempt {event['attempt']})" if event.get("attempt", 1) > 1 else ""
        note(f"  {event['step']} …{again}", style="dim")
    elif kind == "step_ended":
        good = event["state"] == "succeeded"
        words = f"  {event['step']:<15} {event['state']:<10} {event['seconds']:.1f} s"
        if event.get("error"):
            words += f": {event['error']}" + (" It is tried again." if event.get("will_retry") else "")
        note(words, style=None if good else "red")


def _refuse_failure(ended: Any) -> None:
    """End with the runner's own sentence where a run did not succeed."""
    from mlops_stacks.cli.exits import CommandError, ExitCode
    from mlops_stacks.operations import running

    if ended.code == 0:
        return
    sentence = ended.event.get("error") or f"the runner ended with code {ended.code}; its lines above say why"
    if ended.code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    refused = ended.code in {running.BUSY_CODE, running.REFUSED_CODE}
    raise CommandError(str(sentence), ExitCode.REFUSED if refused else ExitCode.FAILED)


def predict(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model in the blueprint.")],
    input: Annotated[  # noqa: A002  as the option is called
        str | None,
        typer.Option(
            "--input",
            "-i",
            metavar="JSON|@FILE|-",
            help="One row or a list of rows as JSON; @FILE reads a file, - standard input.",
            show_default=False,
        ),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Send the example that the model was saved with.")] = False,
    environment: OneEnvironmentOption = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Ask a served model for predictions and print its answer as JSON."""
    from json import dumps

    from mlops_stacks.cli.console import note, result_json
    from mlops_stacks.cli.exits import CommandError, ExitCode
    from mlops_stacks.operations import predicting

    if (input is None) is not example:
        raise CommandError("give the rows with --input, or say --example", ExitCode.USAGE)
    rows = None if input is None else _rows(input)
    project = open_project(context, blueprint)
    where = one_environment(project, environment)
    address = predicting.endpoint_of(project, executor_for(project, executor), model, where)
    if example:
        rows = predicting.example_request(address)
        note(f"POST {address}/predict {dumps(rows)}")
    result_json(predicting.predict(address, rows))


def _rows(text: str) -> Any:
    """The JSON that an `--input` stands for."""
    import json

    from mlops_stacks.cli.exits import CommandError, ExitCode

    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"the input is no JSON: {error}", ExitCode.USAGE) from None
