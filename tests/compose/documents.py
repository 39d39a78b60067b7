"""Blueprint documents that the tests of composition start from."""

from __future__ import annotations

from typing import Any

DEV, PROD = "111111111111", "222222222222"


def aws(*, accounts: tuple[str, str] = (DEV, PROD), **more: Any) -> dict[str, Any]:
    """The AWS slice for dev and prod."""
    return {
        "schema_version": 1,
        "name": "flights",
        "platform": "aws",
        "environments": {
            name: {"target": {"account": account, "region": "eu-west-1"}}
            for name, account in zip(("dev", "prod"), accounts, strict=True)
        },
        "stages": ["foundation", "experiment_tracking", "model_registry"],
        "models": {"flight_delay": {}},
        **more,
    }


def local(**more: Any) -> dict[str, Any]:
    """All that a laptop can run, for one environment."""
    return {
        "schema_version": 1,
        "name": "flights",
        "platform": "local",
        "environments": {"dev": {}},
        "stages": [
            "foundation",
            "experiment_tracking",
            "model_registry",
            "feature_store",
            "training_pipeline",
            "serving",
            "workbench",
            "pipeline_delivery",
            "continuous_integration",
            "monitoring",
        ],
        "workload": {"entry_point": "flight_delay.workload:FlightDelay", "path": "examples/flight_delay"},
        "models": {"flight_delay": {"release": 1}},
        **more,
    }
