"""MLflow's tracking server in one process, for a laptop.

`mlflow server` is a command that waits for another process which does the work, and by default starts workers and job
runners: two processes and 430 MB at the least. This starts the same application (`mlflow.server.fastapi_app`) in this
process, with the settings that the command hands to its workers: 250 MB. Their names are taken from MLflow, so that an
MLflow which renames them is noticed at once. The database is brought up to date before the port opens.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

HOST = "127.0.0.1"
"""The only address on which it listens; MLflow refuses requests that name another host."""


def serve(database: Path, artifacts: Path, port: int) -> None:
    """Serve runs kept in the SQLite file `database` and artifacts kept below `artifacts`, until told to end."""
    # MLflow reads these while it is being imported.
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    from mlflow.server import constants

    backend = f"sqlite:///{database}"
    os.environ.update(
        {
            constants.BACKEND_STORE_URI_ENV_VAR: backend,
            constants.REGISTRY_STORE_URI_ENV_VAR: backend,
            constants.SERVE_ARTIFACTS_ENV_VAR: "true",
            constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
            constants.ARTIFACTS_DESTINATION_ENV_VAR: artifacts.as_uri(),
        }
    )
    import uvicorn
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(backend, backend, "mlflow-artifacts:/")
    from mlflow.server.fastapi_app import app

    uvicorn.run(app, host=HOST, port=port, access_log=False, timeout_graceful_shutdown=3)


def main() -> None:
    """Command line of the tracking server."""
    parser = argparse.ArgumentParser(prog="python -m mlops_stacks.runtime.tracking_server", description=__doc__)
    parser.add_argument("--database", type=Path, required=True, help="SQLite file; made if missing")
    parser.add_argument("--artifacts", type=Path, required=True, help="folder of artifacts, absolute")
    parser.add_argument("--port", type=int, required=True, help=f"port on {HOST}")
    arguments = parser.parse_args()
    serve(arguments.database, arguments.artifacts, arguments.port)


if __name__ == "__main__":
    main()
