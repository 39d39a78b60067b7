"""What the tests of the blueprint share: its files, and a stand-in for the list of components that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_stacks.blueprint import engine
from mlops_stacks.blueprint.loading import LoadedBlueprint, load_text
from mlops_stacks.blueprint.problems import BlueprintError, Problem

FILES = Path(__file__).parent / "files"
HAPPY = sorted(FILES.glob("*.happy.yaml"))
ERRORS = sorted(FILES.glob("*.error.*.yaml"))

_READY = {
    f"mlops_components.{stage}.local"
    for stage in ("foundation", "experiment_tracking", "model_registry", "training_pipeline", "serving")
} | {
    "mlops_components.foundation.aws.foundation",
    "mlops_components.experiment_tracking.sagemaker_mlflow",
    "mlops_components.model_registry.sagemaker",
    "mlops_components.training_pipeline.sagemaker",
    "mlops_components.training_pipeline.step_functions",
    "mlops_components.serving.aws_lambda",
    "mlops_components.serving.ecs",
    "mlops_components.serving.sagemaker",
    "mlops_components.monitoring.sagemaker",
    "mlops_components.feature_store.sagemaker",
    "mlops_components.workbench.sagemaker_studio",
    "mlops_components.continuous_integration.codepipeline",
    "mlops_components.continuous_integration.aws_github_actions",
    "mlops_components.continuous_integration.aws_gitlab_ci",
    "mlops_components.pipeline_delivery.codepipeline",
}

MINIMAL = """\
schema_version: 1
name: flight-delay
platform: local
environments: {dev: {}}
stages: [foundation, experiment_tracking, model_registry, training_pipeline, serving]
workload: {entry_point: "flight_delay.workload:workload"}
models:
  flight_delay: {}
"""


@pytest.fixture
def fixed_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which components exist is fixed: writing another one must not change what these files mean."""
    monkeypatch.setattr(engine, "_module_exists", _READY.__contains__)


def problems(text: str) -> tuple[Problem, ...]:
    """What is wrong with a text."""
    try:
        load_text(text)
    except BlueprintError as error:
        return error.problems
    return ()


def sentences(text: str) -> list[str]:
    """What is wrong with a text, as `line N: field: message; remedy`."""
    return [sentence(problem) for problem in problems(text)]


def sentence(problem: Problem) -> str:
    """A problem as the files expect it."""
    what = f"{problem.field}: {problem.message}" if problem.path else problem.message
    return f"line {problem.line}: {what}; {problem.fix}"


def loaded(text: str) -> LoadedBlueprint:
    """The blueprint of a text that is right."""
    return load_text(text)
