"""Settings of MLflow that must be in the environment before it is imported."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_stacks.runtime.errors import TrackingError

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow's own seven tries with doubling pauses hide a server that is down for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}

_HEADERS = "mlflow.tracking.request_header.registry"
"""The logger that tells what went wrong in somebody's headers of a request."""


def hush() -> None:
    """Turn off usage tracking, progress bars and a needless warning; bound waiting, where the user did not."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger(_HEADERS).addFilter(_is_of_use)


def _is_of_use(record: logging.LogRecord) -> bool:
    """Not that the package for SageMaker's MLflow finds no ARN in the address of a plain server: it needs none."""
    mlflow = sys.modules.get("mlflow")
    plain = mlflow is not None and mlflow.get_tracking_uri().startswith(("http://", "https://"))
    return not (plain and record.args and isinstance(record.args[0], IndexError))  # type: ignore[index]


@contextmanager
def mlflow_errors(what: str, uri: str | None) -> Iterator[None]:
    """Turn MLflow's and the network's exceptions in the block into a `TrackingError` that begins with `what`."""
    import requests
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, requests.RequestException, OSError) as error:
        reason = " ".join(str(error).split())
        shortened = reason if len(reason) <= 300 else f"{reason[:300]} …"
        raise TrackingError(f"{what} (MLflow at {uri}): {shortened}") from error
