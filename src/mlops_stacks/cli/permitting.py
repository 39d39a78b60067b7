"""The verb that says what a deployer must be allowed: `permissions`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mlops_stacks.cli.options import BlueprintOption, EnvironmentOption, open_project

PANEL = "Look before you deploy"


def add_to(app: typer.Typer) -> None:
    """Add this verb to the program."""
    app.command(rich_help_panel=PANEL)(permissions)


def permissions(
    context: typer.Context,
    environment: EnvironmentOption = None,
    blueprint: BlueprintOption = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            metavar="FOLDER",
            help="Write each document to a file of its own, `<scope>-<account>-<number>.json`.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the IAM policies that whoever deploys to AWS needs, and no more, read off the plan. Needs no cloud.

    It is the plan once a package is delivered and a version of each model released, whatever is there today.
    """
    from mlops_stacks.cli.console import note, result
    from mlops_stacks.cli.writing import emit
    from mlops_stacks.operations.planning import plan
    from mlops_stacks.permissions.assumed import filled
    from mlops_stacks.permissions.deployer import deployer_policies

    policies = deployer_policies(plan(filled(open_project(context, blueprint)), environment))
    if to is None:
        described = [
            {"scope": policy.scope, "account": policy.account, "policies": list(policy.documents)}
            for policy in policies
        ]
        emit(json.dumps(described, indent=2), None)
        return
    written = 0
    for policy in policies:
        for number, document in enumerate(policy.documents, 1):
            file = to / f"{policy.scope}-{policy.account}-{number}.json"
            emit(json.dumps(document, indent=2), file)
            result(str(file))
            written += 1
    note(f"{written} policies in {to}; attach those of a scope to the role that deploys it")
