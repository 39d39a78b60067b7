"""Which machine of SageMaker a step gets.

Source of sizes: EC2's instance types of the same name, without `ml.`; all that are chosen by themselves can run
processing and training jobs.
"""

from mlops_components.spec.compute import Compute


class MachineError(ValueError):
    """No machine has what is asked for; the message is one sentence that says what to write."""


DEFAULT = "ml.m5.xlarge"
"""Where the blueprint says nothing: 4 virtual CPUs and 16 GiB, in every region that has SageMaker."""

# Name -> virtual CPUs, GiB; the smallest first.
_GENERAL = {
    "ml.m5.large": (2, 8),
    "ml.r5.large": (2, 16),
    "ml.m5.xlarge": (4, 16),
    "ml.r5.xlarge": (4, 32),
    "ml.m5.2xlarge": (8, 32),
    "ml.r5.2xlarge": (8, 64),
    "ml.m5.4xlarge": (16, 64),
    "ml.r5.4xlarge": (16, 128),
    "ml.r5.8xlarge": (32, 256),
    "ml.m5.12xlarge": (48, 192),
    "ml.r5.12xlarge": (48, 384),
    "ml.m5.24xlarge": (96, 384),
    "ml.r5.24xlarge": (96, 768),
}
# Name -> virtual CPUs, GiB, accelerators, their name in words of other platforms.
_ACCELERATED = {
    "ml.g4dn.xlarge": (4, 16, 1, "nvidia-t4"),
    "ml.g4dn.2xlarge": (8, 32, 1, "nvidia-t4"),
    "ml.g4dn.4xlarge": (16, 64, 1, "nvidia-t4"),
    "ml.g5.4xlarge": (16, 64, 1, "nvidia-a10g"),
    "ml.g4dn.8xlarge": (32, 128, 1, "nvidia-t4"),
    "ml.g4dn.12xlarge": (48, 192, 4, "nvidia-t4"),
    "ml.g5.12xlarge": (48, 192, 4, "nvidia-a10g"),
    "ml.g5.48xlarge": (192, 768, 8, "nvidia-a10g"),
}


def instance_type(compute: Compute, default: str = DEFAULT) -> str:
    """Return the machine that is named, else the smallest that has what is asked for, else `default`.

    Raises `MachineError` where there is none so large.
    """
    named = compute.get("instance_type")
    if named:
        return named
    cpu, memory, gpu = compute.get("cpu"), compute.get("memory_gb"), compute.get("gpu")
    if cpu is None and memory is None and gpu is None:
        return default
    if gpu is None:
        fitting = [name for name, (cpus, gib) in _GENERAL.items() if cpus >= (cpu or 0) and gib >= (memory or 0)]
    else:
        fitting = [
            name
            for name, (cpus, gib, count, kind) in _ACCELERATED.items()
            if cpus >= (cpu or 0) and gib >= (memory or 0) and count >= gpu["count"] and gpu.get("type") in (None, kind)
        ]
    if not fitting:
        raise MachineError(_nothing_fits(accelerated=gpu is not None))
    return fitting[0]


def _nothing_fits(accelerated: bool) -> str:
    if accelerated:
        kinds = ", ".join(sorted({kind for _, _, _, kind in _ACCELERATED.values()}))
        most = max(count for _, _, count, _ in _ACCELERATED.values())
        return (
            f"no machine with accelerators that is chosen by itself has so much: at most {most}, of {kinds}; write "
            "`instance_type` instead, e.g. `ml.p5.48xlarge`, which then trains while other steps stay on the stage's "
            "`machine`."
        )
    most, gib = (max(sizes) for sizes in zip(*_GENERAL.values(), strict=True))
    return (
        f"no machine that is chosen by itself has so much: at most {most} virtual CPUs and {gib} GiB; write "
        "`instance_type` instead, e.g. `ml.r7i.48xlarge`."
    )


_TRAINING_ALONE = (
    "c5n",
    "p3dn",
    "p4d",
    "p4de",
    "p5e",
    "p5en",
    "p6-b200",
    "p6-b300",
    "p6e-gb200",
    "trn1",
    "trn1n",
    "trn2",
)


def for_training_alone(machine: str) -> bool:
    """Whether SageMaker has this machine for training and tuning jobs, but not for processing jobs.

    Source: the enumerations TrainingInstanceType and ProcessingInstanceType of SageMaker's API.
    """
    return machine.split(".")[1] in _TRAINING_ALONE or machine == "ml.p5.48xlarge"


def processing_type(compute: Compute, default: str = DEFAULT) -> str:
    """As `instance_type`, but `default` where the machine is one for training alone. Raises `MachineError`."""
    machine = instance_type(compute, default)
    return default if for_training_alone(machine) else machine


_WITH_OWN_DISKS = ("dl1", "g5", "g6", "g7", "p4", "p5", "p6", "trn")
"""What families begin with that have NVMe disks although no `d` in their name says so."""


def takes_volume_key(machine: str) -> bool:
    """Whether SageMaker takes a key for the volume of this machine, in jobs and endpoints alike.

    One with NVMe disks of its own encrypts those by itself, and a request that names a key for it is refused.

    Sources: SageMaker API Reference (`CreateEndpointConfig.KmsKeyId`, `VolumeKmsKeyId` of TransformResources,
    ProcessingClusterConfig and ResourceConfig; monitors are processing jobs); EC2's instance types, "Instance store".
    """
    family = machine.split(".")[1]
    return not (family.startswith(_WITH_OWN_DISKS) or "d" in family[1:])
