"""`mlops-stacks`: the program's entry point. Imports nothing heavy; each verb imports what it needs when it runs."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mlops_stacks.cli import (
    authoring,
    comparing,
    delivering,
    guard,
    observing,
    packages,
    permitting,
    planning,
    readiness,
    releasing,
    training,
)
from mlops_stacks.cli.options import ProgramOptions

DEBUG_VARIABLE = "MLOPS_STACKS_DEBUG"

_BRIEF = frozenset({"permissions", "plan", "render", "validate"})
"""Verbs that end within seconds and need until then what they have made."""

_HELP = """One typed blueprint becomes an MLOps platform: on AWS, GCP, Azure, Kubernetes or this machine.

Start with [bold]mlops-stacks init[/bold], look with [bold]mlops-stacks plan[/bold], deploy with
[bold]mlops-stacks up[/bold]. No cloud, credentials or Pulumi CLI are needed to validate and to plan.
"""

_EPILOG = (
    "Exit codes: 0 done; 1 refused, error findings (nothing was changed), or `diff` found some; 2 wrong usage; "
    "3 failed while carrying out (the same command continues); 130 interrupted. "
    "--debug may stand anywhere."
)

app = typer.Typer(
    name="mlops-stacks",
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from mlops_stacks.cli.version import version

        typer.echo(f"mlops-stacks {version()}")
        raise typer.Exit


@app.callback()
def program(
    context: typer.Context,
    blueprint: Annotated[
        Path | None,
        typer.Option(
            "--blueprint",
            "-b",
            metavar="FILE",
            envvar="MLOPS_STACKS_BLUEPRINT",
            help="The blueprint; default: blueprint.yaml here, or the only one in blueprints/.",
            show_default=False,
        ),
    ] = None,
    debug: Annotated[  # noqa: ARG001  taken out of the arguments before they are parsed; here for the help
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
    version: Annotated[  # noqa: ARG001  handled by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The options before the verb."""
    context.obj = ProgramOptions(blueprint)


for group in (
    authoring,
    planning,
    permitting,
    comparing,
    readiness,
    delivering,
    training,
    releasing,
    packages,
    observing,
):
    group.add_to(app)


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit code. Raises nothing."""
    rest, debug = _without_debug(arguments)
    debug = debug or os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}
    return guard.run(lambda: app(args=rest, prog_name="mlops-stacks"), debug)


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """`--debug` may stand anywhere before `--`, because that is where one adds it after an error."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--debug"]
    return [*options, *arguments[end:]], len(options) < end


def main() -> NoReturn:
    """The console script."""
    if _BRIEF.intersection(sys.argv[1:]):
        # Looking for garbage takes up to a fifth of such a verb's time, and finds none (benchmarks/README.md).
        gc.disable()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
