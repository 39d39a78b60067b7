"""The options of the workbench on AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mlops_stacks.blueprint.stage_options import StageOptions

Gigabytes = Annotated[int, Field(ge=5, le=16384)]


class SageMakerStudio(StageOptions):
    """Studio of SageMaker, in the environment's network only."""

    engine: Literal["sagemaker_studio"] = "sagemaker_studio"
    sign_in: Literal["iam", "sso"] = "iam"
    """`iam`: the members of `access` open Studio, each with a role of their own; `sso`: `people` sign in through IAM
    Identity Center. Changing it replaces the domain."""
    people: tuple[Annotated[str, StringConstraints(min_length=1, max_length=256)], ...] = ()
    """Names in IAM Identity Center of those who get a profile, where people sign in."""
    instance_types: Annotated[tuple[str, ...], Field(min_length=1)] = ("ml.t3.medium", "ml.m5.xlarge")
    """Machines that people may start; the first is the default."""
    idle_minutes: Annotated[int, Field(ge=60, le=525600)] = 60
    """An application that did nothing for so long is ended; people may choose less."""
    disk_gigabytes: Gigabytes = 5
    """Disk of a new space."""
    max_disk_gigabytes: Gigabytes = 100
    """Largest disk that a person may choose."""
    start_script: Annotated[str, StringConstraints(max_length=8000)] | None = None
    """Shell script that runs, after the platform's own, each time that JupyterLab starts; it has five minutes."""
