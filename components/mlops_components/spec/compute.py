"""How much machine a piece of work gets."""

from typing import NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.spec.closed import closed


@closed
class Gpu(TypedDict):
    """Accelerators of one kind."""

    count: int
    """How many, at least 1."""
    type: NotRequired[Optional[str]]
    """The platform's own name of the accelerator, e.g. `nvidia-l4`; default: whichever the platform offers."""


@closed
class Compute(TypedDict):
    """Machine for one step, server or notebook."""

    cpu: NotRequired[Optional[float]]
    """Virtual CPUs; default: the engine's."""
    memory_gb: NotRequired[Optional[float]]
    """Memory in GiB; default: the engine's."""
    gpu: NotRequired[Optional[Gpu]]
    """Accelerators; default: none."""
    instance_type: NotRequired[Optional[str]]
    """The platform's own machine type, e.g. `ml.m5.xlarge`, where one is wanted instead of cpu and memory."""
    spot: NotRequired[Optional[bool]]
    """Whether interruptible capacity will do; default: no."""
