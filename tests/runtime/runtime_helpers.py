"""Documents and processes for tests of the runtime."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from mlops_components.spec.pipeline import STEPS

HERE = Path(__file__).parent


def step_settings_document(**changes: Any) -> dict[str, Any]:
    """Settings of the tiny workload, untracked unless `changes` say otherwise."""
    return {
        "blueprint": "demo",
        "environment": "dev",
        "model": "things",
        "workload": {"entry_point": "tiny_workload:workload", "path": str(HERE)},
        "parameters": {},
        "acceptance": {"thresholds": [{"metric": "accuracy", "minimum": 0.7}]},
        "tracking_uri": None,
        "experiment": None,
        "registry_uri": None,
        "registered_model": None,
        "approval": "manual",
        "serving_version": None,
        **changes,
    }


def tracked(folder: Path) -> dict[str, Any]:
    """Changes of the settings: MLflow in an SQLite file of `folder`, artefacts beside it."""
    uri = f"sqlite:///{folder}/mlflow.db"
    return {"tracking_uri": uri, "registry_uri": uri, "experiment": "demo-dev", "registered_model": "demo-things"}


def write_document(path: Path, document: Any) -> str:
    """Write JSON; returns the file's URI."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path.as_uri()


def write_pipeline(folder: Path, settings: dict[str, Any], **step_changes: Any) -> Path:
    """A pipeline definition with all steps beside its settings; runs go to `<folder>/runs`."""
    write_document(folder / "settings.json", settings)
    steps = [
        {
            "name": name,
            "depends_on": list(STEPS[max(0, index - 1) : index]),
            "retries": 0,
            "timeout_minutes": 5,
            "compute": {},
            **step_changes,
        }
        for index, name in enumerate(STEPS)
    ]
    spec = {"name": "things", "model": "things", "steps": steps, "parameters": {}, "schedule": None}
    write_document(folder / "pipeline.json", {"pipeline": spec, "settings": "settings.json", "runs": "runs"})
    return folder / "pipeline.json"


def runtime(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run a command of the runtime to its end."""
    command = [sys.executable, "-m", "mlops_stacks.runtime", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def started(*arguments: str) -> subprocess.Popen[str]:
    """Start a command of the runtime; whoever starts it ends it."""
    command = [sys.executable, "-m", "mlops_stacks.runtime", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def status_of(pipeline: Path) -> dict[str, Any]:
    """The status of the pipeline's latest run."""
    from mlops_stacks.runtime.run_status import read_runs

    return read_runs(pipeline.parent / "runs")[0]
