"""Starts the server: one process, or several that share the port."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from mlops_stacks.runtime.documents import server_settings
from mlops_stacks.runtime.errors import RuntimeFault, SettingsError
from mlops_stacks.runtime.quiet_mlflow import hush

if TYPE_CHECKING:
    from fastapi import FastAPI

_SETTINGS_VARIABLE = "MLOPS_STACKS_SERVER_SETTINGS"
"""Where the settings are, where no argument says so: SageMaker starts an image with `serve` alone."""


def settings_uri_of(argument: str | None) -> str:
    """The URI of the settings: the argument, or what the environment says. Raises `SettingsError` without either."""
    uri = argument or os.environ.get(_SETTINGS_VARIABLE)
    if not uri:
        raise SettingsError(f"nothing says what to serve: give --settings, or set `{_SETTINGS_VARIABLE}`.")
    return uri


def prepare() -> None:
    """Set up logging and threads, before anything heavy is imported."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    # See step.py: threads that spin while they wait cost more than they give.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # One thread a process: for the few rows of a request, waking others costs more than they compute (10 ms instead
    # of 5 for one row of the flight-delay model on two cores). Cores are used by `realtime.workers`.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    hush()


def serve_command(settings_uri: str | None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    prepare()
    try:
        return _serve(settings_uri_of(settings_uri))
    except RuntimeFault as fault:
        sys.stderr.write(f"error: {fault}\n")
        return fault.exit_code


def _serve(settings_uri: str) -> int:
    import uvicorn

    settings = server_settings(settings_uri)
    logging.getLogger("mlops_stacks.server").info(
        "loading version %s of %s from %s, to be served on http://%s:%d",
        settings["version"],
        settings["model"],
        settings["model_uri"],
        settings["host"],
        settings["port"],
    )
    common: dict[str, Any] = {
        "host": settings["host"],
        "port": settings["port"],
        "access_log": False,
        "log_level": "warning",
    }
    if settings["workers"] <= 1:
        uvicorn.run(application(settings_uri), **common)
        return 0
    from mlops_stacks.runtime.serving.metrics import shared_between_processes

    # Each worker process builds its application by itself, and learns from the environment what to serve.
    os.environ[_SETTINGS_VARIABLE] = settings_uri
    with shared_between_processes():
        uvicorn.run(f"{__name__}:worker_app", factory=True, workers=settings["workers"], **common)
    return 0


def worker_app() -> FastAPI:
    """The application of one of several worker processes."""
    return application(os.environ[_SETTINGS_VARIABLE])


def application(settings_uri: str) -> FastAPI:
    """The application for some settings, its model loaded. Raises `RuntimeFault`."""
    from mlops_stacks.runtime.serving.app import make_app
    from mlops_stacks.runtime.serving.service import load_service

    return make_app(load_service(server_settings(settings_uri)))
