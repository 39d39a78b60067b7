"""A tracked run of the tiny workload, which several tests look at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from runtime_helpers import runtime, status_of, step_settings_document, tracked, write_pipeline


@pytest.fixture(autouse=True)
def _own_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow puts artefacts of an SQLite store into the working directory."""
    monkeypatch.chdir(tmp_path)
    yield
    if "mlflow" in sys.modules:
        import mlflow

        mlflow.set_tracking_uri("")
        mlflow.set_registry_uri("")


@pytest.fixture(scope="session")
def tracked_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tiny workload's whole pipeline, tracked and registered; with the folder, settings and status."""
    folder = tmp_path_factory.mktemp("tracked")
    settings = step_settings_document(approval="automatic", **tracked(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        pipeline = write_pipeline(folder, settings)
        ended = runtime("run", "--pipeline", str(pipeline), "--run-id", "first", "--parameter", "shift=0.01")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {"folder": folder, "pipeline": pipeline, "settings": settings, "status": status_of(pipeline)}
