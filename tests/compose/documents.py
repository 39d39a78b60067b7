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


def aws_whole(**more: Any) -> dict[str, Any]:
    """Every stage of AWS with its default engine, in one environment; an image is there, and a version is released."""
    return {
        "schema_version": 1,
        "name": "flights",
        "platform": "aws",
        "environments": {
            "dev": {
                "target": {
                    "account": DEV,
                    "region": "eu-west-1",
                    "zones": ["eu-west-1a", "eu-west-1b"],
                    "role": f"arn:aws:iam::{DEV}:role/deployer",
                }
            }
        },
        "stages": {
            "foundation": {"network": {"mode": "create", "cidr": "10.0.0.0/20"}},
            "experiment_tracking": {},
            "model_registry": {},
            "feature_store": {},
            "training_pipeline": {},
            "serving": {},
            "workbench": {},
            "pipeline_delivery": {"repository": "example/flights"},
            "continuous_integration": {"repository": "example/flights"},
            "monitoring": {},
        },
        "workload": {
            "entry_point": "flight_delay.workload:FlightDelay",
            "path": "examples/flight_delay",
            "image": f"{DEV}.dkr.ecr.eu-west-1.amazonaws.com/flights@sha256:{'0' * 64}",
        },
        "models": {"flight_delay": {"release": 1, "monitoring": {}}},
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
