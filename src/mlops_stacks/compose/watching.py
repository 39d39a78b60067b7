"""What is watched about a served model, and from which value on somebody is told, whatever engine watches."""

from __future__ import annotations

from mlops_components.spec.monitoring import Limits
from mlops_stacks.blueprint.model import ModelConfig, Monitoring

ERROR_RATE_PERCENT = 5.0
LATENCY_P99_MS = 1000.0
"""Where the blueprint says nothing."""
DAILY = {"cron": "0 4 * * *", "timezone": "UTC"}
"""When a report is made, where the blueprint says nothing."""


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
