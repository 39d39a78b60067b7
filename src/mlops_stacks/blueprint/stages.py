"""The options of each engine of each stage.

A stage of a blueprint is one of these classes, chosen by `engine`; where the blueprint names none, the platform's
first engine in `engines.ENGINES` is meant. An engine without options of its own is a plain `StageOptions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, StringConstraints, Tag

from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.vocabulary import Lifecycle, Platform

Arn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+$")]
_BUCKET_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
BucketName = Annotated[
    str, StringConstraints(min_length=3, max_length=63, pattern=rf"^{_BUCKET_LABEL}(\.{_BUCKET_LABEL})*$")
]


class StageOptions(Model):
    """What every engine of every stage takes."""

    engine: str
    """The system that implements the stage; default: the platform's own."""
    platform: Platform
    """Where the stage runs; default: the blueprint's platform. Another one needs a target in each environment."""
    lifecycle: Lifecycle | None = None
    """What `destroy` does to what holds data here; default: the blueprint's `lifecycle`."""


def _mode(raw: Any) -> str | None:
    """What is to be done with a resource; a mapping without `mode` means one of the platform's own."""
    mode = raw.get("mode", "create") if isinstance(raw, Mapping) else getattr(raw, "mode", None)
    return mode if isinstance(mode, str) else None


class CreateBucket(Model):
    """A bucket of the platform's own."""

    mode: Literal["create"] = "create"
    expire_days: Annotated[int, Field(ge=1)] | None = None
    """Objects are deleted after so many days; default: kept."""


class AdoptBucket(Model):
    """A bucket that exists already; its settings stay its owner's business."""

    mode: Literal["adopt"]
    name: BucketName


class SkipBucket(Model):
    """No bucket of its own: what would go there goes into a folder of the artifacts bucket; logs are not kept."""

    mode: Literal["skip"]


Bucket = Annotated[Annotated[CreateBucket, Tag("create")] | Annotated[AdoptBucket, Tag("adopt")], Discriminator(_mode)]
OptionalBucket = Annotated[
    Annotated[CreateBucket, Tag("create")] | Annotated[AdoptBucket, Tag("adopt")] | Annotated[SkipBucket, Tag("skip")],
    Discriminator(_mode),
]


class CreateKey(Model):
    """A key of the platform's own, rotated every year."""

    mode: Literal["create"] = "create"
    deletion_window_days: Annotated[int, Field(ge=7, le=30)] = 30
    """Days in which a deleted key can still be saved."""


class AdoptKey(Model):
    """A key that exists already; its policy must let the account's IAM policies decide."""

    mode: Literal["adopt"]
    arn: Arn


class SkipKey(Model):
    """No key of your own: the service's default key encrypts."""

    mode: Literal["skip"]


EncryptionKey = Annotated[
    Annotated[CreateKey, Tag("create")] | Annotated[AdoptKey, Tag("adopt")] | Annotated[SkipKey, Tag("skip")],
    Discriminator(_mode),
]


class AwsFoundation(StageOptions):
    """Keys, buckets and image repository on AWS."""

    engine: Literal["aws"] = "aws"
    key: EncryptionKey = CreateKey()
    artifacts_bucket: Bucket = CreateBucket()
    data_bucket: OptionalBucket = CreateBucket()
    capture_bucket: OptionalBucket = CreateBucket(expire_days=90)
    logs_bucket: OptionalBucket = CreateBucket(expire_days=365)
    permission_boundary: Arn | None = None
    """ARN of a policy that bounds every role that is made; default: none."""
    old_versions_days: Annotated[int, Field(ge=1)] = 90
    """Overwritten and deleted objects can be restored for so many days."""
    keep_images: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many tagged images the repository keeps; default: all, since a released one must stay."""
    untagged_images_days: Annotated[int, Field(ge=1)] = 14
    """Images without a tag are deleted after so many days."""


class SageMakerMlflow(StageOptions):
    """Managed MLflow of SageMaker."""

    engine: Literal["sagemaker_mlflow"] = "sagemaker_mlflow"
    flavour: Literal["app", "server"] = "app"
    """`app` is serverless; `server` is a tracking server of a size, billed by the hour."""
    size: Literal["Small", "Medium", "Large"] | None = None
    """Size of a tracking server; default Small. An app has none."""
    maintenance_window: Annotated[
        str, StringConstraints(pattern=r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):[0-9]{2}:[0-9]{2}$")
    ] = "Sun:03:00"
    """Weekly start of maintenance, in UTC."""


class LocalTracking(StageOptions):
    """MLflow on this machine."""

    engine: Literal["local"] = "local"
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Port of the MLflow server; default: a free one, chosen once and kept."""


class LocalServing(StageOptions):
    """The project's own server on this machine, one process per served model."""

    engine: Literal["local"] = "local"
    log_megabytes: Annotated[int, Field(ge=1, le=1024)] = 10
    """A log is rotated when it reaches this size."""


class LocalContinuousIntegration(StageOptions):
    """A bare git repository on this machine, whose hook tests, packages and tries what is pushed."""

    engine: Literal["local"] = "local"
    branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")] = (
        "main"
    )
    """The branch that is built; others are taken as they are."""
    folder: str = "."
    """Folder of the workload, with its `pyproject.toml`, in the repository."""
    test_command: Annotated[tuple[str, ...], Field(min_length=1)] = ("python", "-m", "pytest", "-q")
    """Run in that folder of a clean checkout; a push is refused where it fails. `python` is the platform's own."""
    smoke_parameters: dict[str, JsonValue] = {}
    """Parameters that make the data of a smoke model small; they replace the model's own."""
    timeout_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 30
    """Time limit of the tests, of the wheel, and of each step of a smoke model."""


class LocalWorkbench(StageOptions):
    """JupyterLab on this machine."""

    engine: Literal["local"] = "local"
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Port of JupyterLab; default: a free one, chosen once and kept."""
    kernel_idle_minutes: Annotated[int, Field(ge=1)] | None = 60
    """A notebook's process that did nothing for so long is ended; null: never."""


class LocalMonitoring(StageOptions):
    """A monitor on this machine, which makes Evidently reports and raises alarms."""

    engine: Literal["local"] = "local"
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Port of the monitor's metrics; default: a free one, chosen once and kept."""
    window_days: Annotated[int, Field(ge=1, le=366)] = 7
    """Days that a report looks back on, and on which thresholds are calibrated."""
    windows_running: Annotated[int, Field(ge=1, le=100)] = 2
    """So many windows in a row must have drifted for an alarm."""
    keep_pages: Annotated[int, Field(ge=1)] = 60
    """So many HTML pages of reports (about 5 MB each) are kept; what they found is kept for good."""
