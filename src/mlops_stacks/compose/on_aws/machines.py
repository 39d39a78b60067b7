"""How large the machine of an endpoint is: SageMaker adds up the load of its cores and of its accelerators."""

from __future__ import annotations

import re
from typing import Any

from mlops_components.spec.compute import Compute
from mlops_stacks.blueprint.model import ModelConfig

_SIZE = re.compile(r"(?P<times>\d*)xlarge")
_CORES_OF_XLARGE = 4
_SMALLER = {"medium": 2, "large": 2}
_WITH_ACCELERATORS = re.compile(r"ml\.(g|p)\d")

_ACCELERATORS = {
    "ml.g4dn.12xlarge": 4,
    "ml.g5.12xlarge": 4,
    "ml.g5.24xlarge": 4,
    "ml.g5.48xlarge": 8,
    "ml.g6.12xlarge": 4,
    "ml.g6.24xlarge": 4,
    "ml.g6.48xlarge": 8,
    "ml.p2.8xlarge": 8,
    "ml.p2.16xlarge": 16,
    "ml.p3.8xlarge": 4,
    "ml.p3.16xlarge": 8,
    "ml.p4d.24xlarge": 8,
    "ml.p4de.24xlarge": 8,
    "ml.p5.48xlarge": 8,
}
"""Machine -> accelerators, where there is more than one. Source: Amazon EC2, "Instance types"."""


def instance_type(options: Any, model: ModelConfig) -> str:
    """The machine of a model's endpoint; empty where SageMaker does not serve it."""
    compute = (model.realtime.compute if model.realtime else None) or {}
    return str(compute.get("instance_type") or getattr(options, "instance_type", ""))


def cores(machine: str) -> int:
    """Virtual CPUs of a machine. Its size tells: four for `xlarge`, and so many times four for `<n>xlarge`."""
    size = machine.rsplit(".", 1)[-1]
    steps = _SIZE.fullmatch(size)
    return _CORES_OF_XLARGE * int(steps["times"] or 1) if steps else _SMALLER.get(size, 1)


def accelerators(machine: str, compute: Compute | None) -> int:
    """GPUs of a machine: what the blueprint says, else what is known of it."""
    wanted = (compute or {}).get("gpu")
    if wanted:
        return int(wanted["count"])
    return _ACCELERATORS.get(machine, 1) if _WITH_ACCELERATORS.match(machine) else 0
