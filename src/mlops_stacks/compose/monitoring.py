"""Blueprint -> monitoring."""

from __future__ import annotations

from typing import Any

from mlops_components.spec.monitoring import Limits
from mlops_stacks.blueprint.model import ModelConfig, Monitoring, Retraining
from mlops_stacks.blueprint.stages import LocalMonitoring
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context

ERROR_RATE_PERCENT = 5.0
LATENCY_P99_MS = 1000.0
"""Where the blueprint says nothing."""
DAILY = {"cron": "0 4 * * *", "timezone": "UTC"}
"""When a report is made, where the blueprint says nothing."""


def build(context: Context) -> Any:
    """The monitor of an environment."""
    return _local(context)


def limits_of(model: ModelConfig, windows_running: int) -> Limits:
    """From which values on somebody is told, on whatever platform."""
    asked = model.monitoring or Monitoring()
    return {
        "drift": dict(asked.drift),
        "drifted_features": asked.drifted_features,
        "windows_running": windows_running,
        "error_rate_percent": _or(asked.error_rate_percent, ERROR_RATE_PERCENT),
        "latency_p99_ms": _or(asked.latency_p99_ms, LATENCY_P99_MS),
        "minimum_quality": dict(asked.minimum_quality),
    }


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _local(context: Context) -> Any:
    from mlops_components.monitoring.local import LocalMonitoring as Component
    from mlops_stacks.compose import local

    chosen: LocalMonitoring = context.options(Stage.MONITORING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    return Component(
        "monitoring",
        {
            "blueprint": context.blueprint.name,
            "environment": context.scope,
            "directory": f"{local.home(context)}/{context.scope}/monitoring",
            "supervisor": foundation.supervisor,
            "ports": foundation.ports,
            "models": {
                name: _watched(context, name, model, chosen)
                for name, model in context.settings.models.items()
                if model.realtime is not None and name in context.releases
            },
            "port": chosen.port,
            "lifecycle": local.lifecycle(context, Stage.MONITORING),  # type: ignore[typeddict-item]
        },
    )


def _watched(context: Context, name: str, model: ModelConfig, chosen: LocalMonitoring) -> dict[str, Any]:
    """The `WatchedModel` of a released model."""
    from mlops_stacks.compose import local

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
        "workload": local.workload(context),
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
    from mlops_stacks.compose import local

    home = local.home(context)
    own = context.scope
    others = [other for other in context.blueprint.environments if other != own]
    return [f"{home}/{scope}/artifacts/runs/{name}" for scope in (own, *others)]
