"""The options of the feature store on AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.stage_options import StageOptions

Units = Annotated[int, Field(ge=1, le=10_000_000)]


class FeatureThroughput(Model):
    """Capacity that is paid for by the hour, whether used or not."""

    read_units: Units
    """Reads of 4 KB a second."""
    write_units: Units
    """Writes of 1 KB a second."""


class SageMakerFeatureStore(StageOptions):
    """Feature groups of SageMaker."""

    engine: Literal["sagemaker"] = "sagemaker"
    online_storage: Literal["standard", "in_memory"] = "standard"
    """`in_memory` answers faster, at a higher price. Changing it begins every group anew."""
    throughput: FeatureThroughput | None = None
    """Capacity of each group; default: on demand, paid by request."""
