"""Blueprint -> training pipelines."""

from __future__ import annotations

from typing import Any

from mlops_components.training_pipeline.local import LocalTrainingPipeline
from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common
from mlops_stacks.compose.on_local.feature_store import reference
from mlops_stacks.compose.pipelines import pipeline_spec


def build(context: Context) -> Any:
    """The training pipelines of an environment, one for each model."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    return LocalTrainingPipeline(
        "training-pipeline",
        {
            "environment": context.scope,
            "directory": f"{common.home(context)}/{context.scope}/pipelines",
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
        "directory": f"{common.home(context)}/{context.scope}/pipelines/code-{version}-{delivery.sha256[:8]}",
    }


def _step_settings(context: Context, name: str, model: ModelConfig) -> dict[str, Any]:
    """The `StepSettings` of a model; values that only a deployment knows are outputs."""
    tracking, registry = context.contract(Stage.EXPERIMENT_TRACKING), context.contract(Stage.MODEL_REGISTRY)
    experiment = common.experiment(context.scope, name)
    return {
        "blueprint": context.blueprint.name,
        "environment": context.scope,
        "model": name,
        "workload": common.workload(context),
        "parameters": model.parameters,
        "acceptance": model.acceptance,
        "tracking_uri": None if tracking is None else tracking.tracking_uri,
        "experiment": None if tracking is None else tracking.experiments.apply(lambda names: names[experiment]),
        "registry_uri": None if registry is None else registry.registry_uri,
        "registered_model": None if registry is None else registry.registered_models.apply(lambda names: names[name]),
        "approval": model.approval.value,
        "serving_version": context.releases.get(name),
        "secrets": common.secrets(context),
        "features": model.features,
        "feature_store": reference(context),
    }
