"""Where Pulumi keeps the state of a project: which folder, which backend, which passphrase.

What the user has chosen, in the environment, in Pulumi.yaml or by `pulumi login`, is left alone. Only where nothing
was chosen does the blueprint's own folder hold the state, so that a first try needs no account.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlops_stacks.executors.names import PULUMI_PROJECT
from mlops_stacks.project import Project

BACKEND = "PULUMI_BACKEND_URL"
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class PulumiHome:
    """What the Pulumi CLI is started with."""

    folder: Path
    """The folder of Pulumi.yaml, in which the CLI works."""
    settings: Mapping[str, Any] | None
    """The project's settings as they stand in Pulumi.yaml; None where there is no such file yet."""
    variables: Mapping[str, str]
    """Environment variables to add."""


def pulumi_home(project: Project, environment: Mapping[str, str] | None = None) -> PulumiHome:
    """Work out, and where needed make, what the CLI needs. `environment` is by default this process's own."""
    environment = os.environ if environment is None else environment
    own = project.home / "pulumi"
    folder, settings = _project_above(project.root) or (own, None)
    # Dynamic resources run in a Python that the engine starts: this one, which has the components installed.
    variables = {"PULUMI_PYTHON_CMD": sys.executable}
    if not _chosen_backend(environment, settings or {}):
        state = own / "state"
        state.mkdir(parents=True, exist_ok=True)
        variables[BACKEND] = f"file://{state}"
        if not environment.keys() & {PASSPHRASE, PASSPHRASE_FILE}:
            variables[PASSPHRASE_FILE] = str(_passphrase(own / "passphrase"))
    folder.mkdir(parents=True, exist_ok=True)
    return PulumiHome(folder, settings, variables)


def _project_above(folder: Path) -> tuple[Path, Mapping[str, Any]] | None:
    """The nearest Pulumi project of ours at or above a folder."""
    for candidate in (folder, *folder.parents):
        file = candidate / "Pulumi.yaml"
        if file.is_file():
            settings = yaml.safe_load(file.read_text(encoding="utf-8"))
            if isinstance(settings, Mapping) and settings.get("name") == PULUMI_PROJECT:
                return candidate, settings
    return None


def _chosen_backend(environment: Mapping[str, str], settings: Mapping[str, Any]) -> bool:
    """Whether the user has chosen where state is kept."""
    backend = settings.get("backend")
    if environment.get(BACKEND) or environment.get("PULUMI_ACCESS_TOKEN") or (backend and backend.get("url")):
        return True
    cli_home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    credentials = cli_home / "credentials.json"
    return credentials.is_file() and bool(json.loads(credentials.read_text(encoding="utf-8")).get("current"))


def _passphrase(file: Path) -> Path:
    """A random passphrase, made once, readable by its owner only. It is handed over by its file, never by its text."""
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(32))
    return file
