"""The training pipeline, from which every engine renders its own document."""

from typing import NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.spec.closed import closed
from mlops_components.spec.compute import Compute

STEPS = ("extract", "validate", "prepare", "train", "evaluate", "validate_model", "register")
"""The steps of a training pipeline, in order; each is one run of the step command."""

INGEST = "ingest"
"""The step that brings features into the feature store; after `validate`, where the model reads features."""


@closed
class Schedule(TypedDict):
    """When something starts by itself."""

    cron: str
    """Five fields (minute hour day month weekday), as crontab(5) reads them."""
    timezone: NotRequired[str]
    """IANA name; default `UTC`."""


class StepSpec(TypedDict):
    """One step of a pipeline."""

    name: str
    """One of `STEPS`, or `ingest`."""
    depends_on: list[str]
    """The steps whose output this one reads."""
    retries: int
    """How often a failed step is tried again."""
    timeout_minutes: int
    """After so many minutes a step counts as failed."""
    compute: Compute
    """The machine that the step gets."""


class PipelineSpec(TypedDict):
    """A training pipeline of one model in one environment."""

    name: str
    """Unique among the pipelines of an environment."""
    model: str
    """The blueprint's name of the model that it trains."""
    steps: list[StepSpec]
    """In an order in which they may run."""
    parameters: dict[str, str]
    """Parameters of a run with their defaults; a run may set them anew."""
    schedule: Optional[Schedule]
    """When it starts by itself; None: only by hand or by a trigger."""


def step_command(step: str, settings: str, run: str) -> list[str]:
    """The one command that runs `step` on every platform.

    `settings` is the URI of a `StepSettings` document; `run` the URI of the folder that belongs to this run, in which
    steps leave what later steps read. Both are fsspec URIs. Parameters are read from `<run>/parameters.json` if there.
    """
    return ["python", "-m", "mlops_stacks.runtime", "step", step, "--settings", settings, "--run", run]


def steps_of(*, features: bool) -> tuple[str, ...]:
    """The steps of a pipeline in order; `features`: whether its model reads any from a feature store."""
    at = STEPS.index("prepare")
    return (*STEPS[:at], INGEST, *STEPS[at:]) if features else STEPS
