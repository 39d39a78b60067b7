"""The options of the foundation on AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from mlops_stacks.blueprint.aws_stages.words import Arn
from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.stage_options import StageOptions

_BUCKET_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
BucketName = Annotated[
    str, StringConstraints(min_length=3, max_length=63, pattern=rf"^{_BUCKET_LABEL}(\.{_BUCKET_LABEL})*$")
]


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
