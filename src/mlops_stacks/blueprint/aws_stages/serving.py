"""The options of serving on AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mlops_stacks.blueprint.aws_stages.words import Arn, Cidr
from mlops_stacks.blueprint.base import Key, Model
from mlops_stacks.blueprint.stage_options import StageOptions

LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
Mode = Literal["instances", "serverless", "asynchronous"]


class Serverless(Model):
    """A serverless endpoint of SageMaker: it has no machines that are yours, and costs nothing between requests."""

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 2048
    """Memory of a copy; its share of a processor grows with it."""
    concurrency: Annotated[int, Field(ge=1, le=200)] = 5
    """So many requests are answered at the same time; others are refused."""
    provisioned: Annotated[int, Field(ge=1, le=200)] | None = None
    """So many copies are kept warm; default: none, and a first request waits for a start."""


class Asynchronous(Model):
    """An endpoint of SageMaker that takes its requests from S3 and puts its answers there."""

    output: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")] = "asynchronous"
    """Folder of the answers below the data root; each model has a folder of its own in it."""
    concurrent_per_copy: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many requests does a copy work on at the same time; default: SageMaker's choice."""


class SageMakerServing(StageOptions):
    """Endpoints and batch transform jobs of SageMaker."""

    engine: Literal["sagemaker"] = "sagemaker"
    mode: Mode = "instances"
    """What a model is served by, where `modes` does not say otherwise."""
    modes: dict[Key, Mode] = {}
    """Model -> what it is served by."""
    instance_type: str = "ml.m5.large"
    """Machine of a copy, where the model's `realtime.compute` or `batch.compute` names none."""
    volume_gb: Annotated[int, Field(ge=1, le=512)] | None = None
    """Storage of a copy; default: the machine's own."""
    startup_seconds: Annotated[int, Field(ge=60, le=3600)] = 600
    """A copy that is not ready after so many seconds has failed."""
    serverless: Serverless = Serverless()
    asynchronous: Asynchronous = Asynchronous()
    challengers: dict[Key, Annotated[int, Field(ge=1)]] = {}
    """Model -> version that is tried beside the released one, where its rollout is `shadow` or `ab`."""
    rolling_percent: Annotated[int, Field(ge=5, le=50)] | None = None
    """With the rollout `all_at_once`: so many percent of the copies are replaced at a time, instead of by a whole
    second fleet. Default: a second fleet."""
    keep_old_minutes: Annotated[int, Field(ge=0, le=60)] = 0
    """How long the copies of the version before are kept after the new one has all of the traffic."""
    batch_lines: Literal["json", "csv"] = "json"
    """What a line of the input of batch predictions is: an object, or the columns in the model's order."""
    batch_machines: Annotated[int, Field(ge=1, le=100)] = 1
    """Machines of one batch job."""
    log_days: LogDays = 90
    """Logs of endpoints are deleted after so many days."""


class LambdaServing(StageOptions):
    """The project's own server in functions of Lambda, one for each model."""

    engine: Literal["lambda"] = "lambda"
    memory_mb: Annotated[int, Field(ge=512, le=10240)] = 2048
    """Memory of a copy, where the model's `realtime.compute` has none; its share of processors grows with it."""
    timeout_seconds: Annotated[int, Field(ge=3, le=900)] = 60
    """Time limit of a request."""
    storage_mb: Annotated[int, Field(ge=512, le=10240)] = 1024
    """Room for the model's files."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many requests are answered at the same time; default: what the account has left."""
    provisioned: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many copies are kept warm; default: none."""
    callers: tuple[Arn, ...] = ()
    """ARNs of principals of other accounts that may call the functions' URLs; those of this account need a policy of
    their own. Every call is signed."""
    log_days: LogDays = 90
    """Logs are deleted after so many days."""


class EcsServing(StageOptions):
    """The project's own server as services of ECS on Fargate, behind one load balancer inside the network."""

    engine: Literal["ecs"] = "ecs"
    certificate: Arn
    """ARN of the certificate (ACM) of the load balancer: there is no listener without TLS."""
    cpu: Annotated[float, Field(ge=0.25, le=16)] = 1
    """Virtual processors of a copy, where the model's `realtime.compute` has none."""
    memory_gb: Annotated[float, Field(ge=0.5, le=120)] = 2
    """Memory of a copy, where the model's `realtime.compute` has none."""
    scale_at_cpu_percent: Annotated[int, Field(ge=10, le=95)] = 60
    """Processor load above which another copy is added, where the model says nothing about requests."""
    callers: tuple[Cidr, ...] = ()
    """Address ranges that may call, besides the platform's own workloads."""
    log_days: LogDays = 90
    """Logs are deleted after so many days."""
