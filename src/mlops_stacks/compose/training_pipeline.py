"""Blueprint -> training pipelines."""

from __future__ import annotations

from typing import Any

from mlops_components.spec.compute import Compute
from mlops_components.spec.pipeline import PipelineSpec, steps_of
from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.feature_store import reference


def build(context: Context) -> Any:
    """The training pipelines of an environment, one for each model."""
    return _local(context)


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


def _local(context: Context) -> Any:
    from mlops_components.training_pipeline.local import LocalTrainingPipeline
    from mlops_stacks.compose import local

    foundation: Any = context.contract(Stage.FOUNDATION)
    return LocalTrainingPipeline(
        "training-pipeline",
        {
            "environment": context.scope,
            "directory": f"{local.home(context)}/{context.scope}/pipelines",
            "runs": foundation.artifact_folder.apply(lambda folder: f"{folder}/runs"),
            "supervisor": foundation.supervisor,
            "package": _package(context),  # type: ignore[typeddict-item]
            "models": {
                name: {"spec": pipeline_spec(name, model), "settings": _step_settings(context, name, model)}
                for name, model in context.settings.models.items()
            },
        },
    )


def _package(context: Context) -> dict[str, Any] | None:
    """The pipeline package that was delivered to this environment, and where its code goes."""
    from mlops_stacks.compose import local

    delivery = context.delivery
    if delivery is None:
        return None
    store: Any = context.contract(Stage.PIPELINE_DELIVERY)
    version, wheel = delivery.version, delivery.wheel
    return {
        "version": version,
        "commit": delivery.commit,
        "sha256": delivery.sha256,
        "wheel": store.packages.apply(lambda packages: f"{packages}/{version}/{wheel}"),
        # The hash tells apart packages of one number, where the store was emptied in between.
        "directory": f"{local.home(context)}/{context.scope}/pipelines/code-{version}-{delivery.sha256[:8]}",
    }


def _step_settings(context: Context, name: str, model: ModelConfig) -> dict[str, Any]:
    """The `StepSettings` of a model; values that only a deployment knows are outputs."""
    from mlops_stacks.compose import local

    tracking, registry = context.contract(Stage.EXPERIMENT_TRACKING), context.contract(Stage.MODEL_REGISTRY)
    experiment = local.experiment(context.scope, name)
    return {
        "blueprint": context.blueprint.name,
        "environment": context.scope,
        "model": name,
        "workload": local.workload(context),
        "parameters": model.parameters,
        "acceptance": model.acceptance,
        "tracking_uri": None if tracking is None else tracking.tracking_uri,
        "experiment": None if tracking is None else tracking.experiments.apply(lambda names: names[experiment]),
        "registry_uri": None if registry is None else registry.registry_uri,
        "registered_model": None if registry is None else registry.registered_models.apply(lambda names: names[name]),
        "approval": model.approval.value,
        "serving_version": context.releases.get(name),
        "secrets": local.secrets(context),
        "features": model.features,
        "feature_store": reference(context),
    }
