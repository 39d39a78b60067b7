"""Blueprint -> monitoring."""

from __future__ import annotations

from typing import Any

from mlops_components.monitoring.local import LocalMonitoring as Component
from mlops_stacks.blueprint.local_stages import LocalMonitoring
from mlops_stacks.blueprint.model import ModelConfig, Retraining
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_local import common
from mlops_stacks.compose.on_local.feature_store import reference
from mlops_stacks.compose.watching import DAILY, limits_of


def build(context: Context) -> Any:
    """The monitor of an environment."""
    chosen: LocalMonitoring = context.options(Stage.MONITORING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    return Component(
        "monitoring",
        {
            "blueprint": context.blueprint.name,
            "environment": context.scope,
            "directory": f"{common.home(context)}/{context.scope}/monitoring",
            "supervisor": foundation.supervisor,
            "ports": foundation.ports,
            "models": {
                name: _watched(context, name, model, chosen)
                for name, model in context.settings.models.items()
                if model.realtime is not None and name in context.releases
            },
            "port": chosen.port,
            "lifecycle": common.lifecycle(context, Stage.MONITORING),  # type: ignore[typeddict-item]
        },
    )


def _watched(context: Context, name: str, model: ModelConfig, chosen: LocalMonitoring) -> dict[str, Any]:
    """The `WatchedModel` of a released model."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    serving: Any = context.contract(Stage.SERVING)
    training: Any = context.contract(Stage.TRAINING_PIPELINE)
    retraining = model.retraining or Retraining()
    kept = model.realtime is not None and model.realtime.capture is not None
    return {
        "version": context.releases[name],
        "endpoint": serving.endpoints.apply(lambda urls: urls[name]),
        "capture": foundation.capture_root.apply(lambda root: f"{root}/{name}") if kept else None,
        "labels": foundation.data_root.apply(lambda root: f"{root}/labels/{name}"),
        "runs": _run_folders(context, name),
        "workload": common.delivered_workload(context),
        "feature_store": reference(context),
        "schedule": (model.monitoring.schedule if model.monitoring else None) or DAILY,
        "window_days": chosen.window_days,
        "keep_pages": chosen.keep_pages,
        "limits": limits_of(model, chosen.windows_running),
        "retraining": {
            "on_drift": retraining.on_drift,
            "cooldown_hours": retraining.cooldown_hours,
            "pipeline": None if training is None else training.pipelines.apply(lambda paths: paths[name]),
        },
    }


def _run_folders(context: Context, name: str) -> list[str]:
    """Where the run that made a version may be: a version that one environment trained may be released in another."""
    home = common.home(context)
    own = context.scope
    others = [other for other in context.blueprint.environments if other != own]
    return [f"{home}/{scope}/artifacts/runs/{name}" for scope in (own, *others)]
