"""The training pipeline of a model, whatever engine runs it."""

from __future__ import annotations

from mlops_components.spec.compute import Compute
from mlops_components.spec.pipeline import PipelineSpec, steps_of
from mlops_stacks.blueprint.model import ModelConfig


def pipeline_spec(name: str, model: ModelConfig) -> PipelineSpec:
    """The pipeline of a model, from which every engine renders its own document."""
    pipeline, steps = model.pipeline, steps_of(features=bool(model.features))
    return {
        "name": name,
        "model": name,
        "steps": [
            {
                "name": step,
                "depends_on": list(steps[max(0, at - 1) : at]),
                "retries": pipeline.retries,
                "timeout_minutes": pipeline.timeout_minutes,
                "compute": pipeline.compute or Compute(),
            }
            for at, step in enumerate(steps)
        ],
        "parameters": {
            key: str(value) for key, value in model.parameters.items() if isinstance(value, str | int | float)
        },
        "schedule": pipeline.schedule,
    }
