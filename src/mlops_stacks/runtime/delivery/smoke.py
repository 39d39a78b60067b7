"""A smoke model: the pipeline's own steps on a small slice, with the code of the wheel that was just built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlops_components.spec.delivery import CiSettings, SmokeModel
from mlops_components.spec.pipeline import PipelineSpec
from mlops_components.spec.settings import StepSettings
from mlops_stacks.runtime.delivery.commands import BuildError, Log, clean_environment, refuse_failure, run_logged
from mlops_stacks.runtime.process import runtime_command
from mlops_stacks.runtime.run_status import read_runs, write_json

ENVIRONMENT = "ci"
"""What the steps of a smoke model are told is their environment."""


_APPLY = "from feast.cli.cli import cli; cli()"


def prepare_features(settings: CiSettings, work: Path, log: Log) -> None:
    """Make the feature store that smoke models use, where the blueprint has one. Raises `BuildError`."""
    features = settings.get("feature_store")
    if features is None:
        return
    repository = Path(features["store"]["repository"])
    repository.mkdir(parents=True)
    Path(features["store"]["history"]).mkdir()
    for name, content in features["files"].items():
        (repository / name).write_text(content, encoding="utf-8")
    command = ["python", "-c", _APPLY, "-c", str(repository), "apply", "--skip-source-validation"]
    limit = settings["timeout_minutes"]
    ended = run_logged(command, work, log, limit * 60, clean_environment({"PYTHONWARNINGS": "ignore"}))
    refuse_failure(ended, "the definitions of the features", limit)


def train_smoke_model(name: str, settings: CiSettings, code: Path, work: Path, log: Log) -> dict[str, float]:
    """Train model `name` with the code in `code`; returns its metrics. Raises `BuildError`.

    It is neither tracked nor registered, and held to no threshold: it shows that the steps work, not that they are
    good.
    """
    spec = smoke_spec(settings["models"][name], settings)
    folder = work / name
    write_json(folder / "settings.json", _step_settings(name, settings, code))
    definition = {"pipeline": spec, "settings": "settings.json", "runs": "runs"}
    write_json(folder / "pipeline.json", definition)
    command = runtime_command("run", "--pipeline", str(folder / "pipeline.json"), "--trigger", "ci")
    limit = sum(step["timeout_minutes"] for step in spec["steps"]) * 60 + 60
    ended = run_logged(command, work, log, limit, clean_environment({}))
    if ended.exit_code != 0:
        raise BuildError(f"the smoke model of `{name}` failed: {_reason(folder / 'runs', log)}")
    run = Path(read_runs(folder / "runs")[0]["folder"])
    record = json.loads((run / "steps" / "evaluate.json").read_text(encoding="utf-8"))
    metrics: dict[str, float] = record["summary"]["metrics"]
    return metrics


def smoke_spec(model: SmokeModel, settings: CiSettings) -> PipelineSpec:
    """The pipeline as it is tried: without a schedule, without second tries, within the time limit of CI 1."""
    spec = model["pipeline"]
    small = {
        key: str(value)
        for key, value in settings["smoke_parameters"].items()
        if isinstance(value, str | int | float) and key in spec["parameters"]
    }
    limit = settings["timeout_minutes"]
    return {
        **spec,
        "steps": [
            {**step, "retries": 0, "timeout_minutes": min(step["timeout_minutes"], limit)} for step in spec["steps"]
        ],
        "parameters": {**spec["parameters"], **small},
        "schedule": None,
    }


def _step_settings(name: str, settings: CiSettings, code: Path) -> StepSettings:
    model, features = settings["models"][name], settings.get("feature_store")
    parameters: dict[str, Any] = {**model["parameters"], **settings["smoke_parameters"]}
    return {
        "blueprint": settings["blueprint"],
        "environment": ENVIRONMENT,
        "model": name,
        "workload": {"entry_point": settings["entry_point"] or "", "path": str(code)},
        "parameters": parameters,
        "acceptance": {},
        "tracking_uri": None,
        "experiment": None,
        "registry_uri": None,
        "registered_model": None,
        "approval": "manual",
        "serving_version": None,
        "secrets": settings.get("secrets", {}),
        "features": model.get("features", []),
        "feature_store": None if features is None else features["store"],
    }


def _reason(runs: Path, log: Log) -> str:
    """The run's own sentence. The failed step's log goes into the build's log, since the run's files are removed."""
    status = next(iter(read_runs(runs)), None)
    if status is None:
        return "it did not start."
    for step in status["steps"]:
        if step["state"] == "failed" and Path(step["log"]).exists():
            log.say(Path(step["log"]).read_text(encoding="utf-8", errors="replace").rstrip())
    return str(status["error"] or "it did not end well.")
