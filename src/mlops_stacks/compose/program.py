"""One scope of a blueprint as a Pulumi program: components in composition order, contracts exported once."""

from __future__ import annotations

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose import (
    continuous_integration,
    experiment_tracking,
    feature_store,
    foundation,
    model_registry,
    monitoring,
    overrides,
    pipeline_delivery,
    serving,
    training_pipeline,
    workbench,
)
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.contracts import export_contract
from mlops_stacks.compose.placement import is_in_scope
from mlops_stacks.compose.targets import providers_of
from mlops_stacks.project import Project

MAPPINGS = {
    Stage.FOUNDATION: foundation.build,
    Stage.EXPERIMENT_TRACKING: experiment_tracking.build,
    Stage.MODEL_REGISTRY: model_registry.build,
    Stage.FEATURE_STORE: feature_store.build,
    Stage.TRAINING_PIPELINE: training_pipeline.build,
    Stage.SERVING: serving.build,
    Stage.MONITORING: monitoring.build,
    Stage.WORKBENCH: workbench.build,
    Stage.PIPELINE_DELIVERY: pipeline_delivery.build,
    Stage.CONTINUOUS_INTEGRATION: continuous_integration.build,
}
"""Stage -> what turns its part of the blueprint into a component."""


def compose(project: Project, scope: str) -> None:
    """Register every component of a scope. Runs inside a Pulumi program, whoever executes it."""
    environment = project.blueprint.scope(scope)
    overrides.install(environment.settings.overrides)
    context = Context(project, scope, providers_of(environment))
    for stage, chosen in environment.settings.stages.items():
        if is_in_scope(stage, chosen.platform, scope):
            component = MAPPINGS[stage](context)
            context.contracts[stage] = component
            export_contract(stage, component)
