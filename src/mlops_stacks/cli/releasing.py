"""Verbs about versions of models: `versions`, `approve`, `reject`, `release`."""

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

PANEL = "Train and release"

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model in the blueprint.")]
NumberArgument = Annotated[int, typer.Argument(metavar="VERSION", min=1, help="Number of the version.")]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    for verb in (versions, approve, reject, release):
        app.command(rich_help_panel=PANEL)(verb)


def versions(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Only this model.", show_default=False)] = None,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
    json: JsonOption = False,
) -> None:
    """List the registered versions of the models, newest first, with approval, stage and metrics."""
    from mlops_stacks.cli.console import result_json, table
    from mlops_stacks.operations.registry import registry_of

    project = open_project(context, blueprint)
    registry = registry_of(project, executor_for(project, executor))
    names = (model,) if model else tuple(sorted(registry.names))
    found = {name: registry.versions(name) for name in names}
    if json:
        result_json({name: [version.as_json() for version in its] for name, its in found.items()})
        return
    for name, its in found.items():
        rows = [
            (
                str(v.number),
                v.approval,
                v.stage,
                v.created,
                v.approved_by or v.rejected_because,
                "  ".join(f"{metric} {value:.4g}" for metric, value in sorted(v.metrics.items())),
            )
            for v in its
        ]
        columns = ("version", "approval", "stage", "created", "by, or why not", "metrics")
        table(name, columns, rows, f"no version yet: mlops-stacks run {name}")


def approve(
    context: typer.Context,
    model: ModelArgument,
    version: NumberArgument,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Record that a version may serve, and that you said so; an earlier rejection no longer counts."""
    from mlops_stacks.cli.console import note, result, wrote
    from mlops_stacks.operations import releasing

    project = open_project(context, blueprint)
    done = releasing.approve(project, executor_for(project, executor), model, version)
    result(f"Version {version} of {model} is approved by {done.by}.")
    for path in done.unlocked:
        note(f"{path.stem} no longer says that it was rejected.")
        wrote(path)


def reject(
    context: typer.Context,
    model: ModelArgument,
    version: NumberArgument,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the version.")],
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Record that a version must not serve: `release` and `up` refuse it from now on."""
    from mlops_stacks.cli.console import note, result, wrote
    from mlops_stacks.operations import releasing

    project = open_project(context, blueprint)
    went_back = releasing.reject(project, executor_for(project, executor), model, version, reason)
    result(f"Version {version} of {model} is rejected: {reason}")
    for back in went_back:
        now = "nothing" if back.version is None else f"version {back.version}"
        note(f"{back.environment} goes back to {now} with the next `mlops-stacks up`.")
        wrote(back.lock)


def release(
    context: typer.Context,
    model: ModelArgument,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A number, latest_approved, or none.")],
    environment: OneEnvironmentOption = None,
    approve: Annotated[bool, typer.Option("--approve", help="Also record your approval.")] = False,
    blueprint: BlueprintOption = None,
    executor: ExecutorOption = ExecutorName.AUTO,
) -> None:
    """Write to an environment's release lock which version it serves from the next `up` on; `none`: none any more."""
    from mlops_stacks.cli.console import result, wrote
    from mlops_stacks.operations import releasing

    project = open_project(context, blueprint)
    where = one_environment(project, environment)
    if version == releasing.NONE:
        lifted = releasing.lift(project, executor_for(project, executor), model, where)
        result(f"{where} serves no version of {model} after the next `up` (before: {lifted.previous or 'none'}).")
        if lifted.lock.exists():
            wrote(lifted.lock, f"mlops-stacks up --environment {where}")
        return
    done = releasing.release(project, executor_for(project, executor), model, version, where, approve)
    if done.changed:
        result(
            f"{where} serves version {done.version} of {model} after the next `up` (before: {done.previous or 'none'})."
        )
        wrote(done.lock, f"mlops-stacks up --environment {where}")
    else:
        result(f"{where} has version {done.version} of {model} as its release already.")
