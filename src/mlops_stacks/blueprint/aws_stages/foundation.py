"""The options of the foundation on AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from mlops_stacks.blueprint.aws_stages.audit import Budget, CreateTrail, Oidc, Trail
from mlops_stacks.blueprint.aws_stages.network import Network, SkipNetwork
from mlops_stacks.blueprint.aws_stages.words import Arn, mode_of
from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.stage_options import StageOptions

_BUCKET_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
BucketName = Annotated[
    str, StringConstraints(min_length=3, max_length=63, pattern=rf"^{_BUCKET_LABEL}(\.{_BUCKET_LABEL})*$")
]


class CreateBucket(Model):
    """A bucket of the platform's own."""

    mode: Literal["create"] = "create"
    expire_days: Annotated[int, Field(ge=1)] | None = None
    """Objects are deleted after so many days; default: kept."""


class AdoptBucket(Model):
    """A bucket that exists already; its settings stay its owner's business. One for logs must let S3, CloudTrail and
    the network's flow logs deliver to it."""

    mode: Literal["adopt"]
    name: BucketName


class SkipBucket(Model):
    """No bucket of its own: what would go there goes into a folder of the artifacts bucket; logs are not kept."""

    mode: Literal["skip"]


Bucket = Annotated[
    Annotated[CreateBucket, Tag("create")] | Annotated[AdoptBucket, Tag("adopt")],
    Discriminator(mode_of),
]
OptionalBucket = Annotated[
    Annotated[CreateBucket, Tag("create")] | Annotated[AdoptBucket, Tag("adopt")] | Annotated[SkipBucket, Tag("skip")],
    Discriminator(mode_of),
]


class CreateKey(Model):
    """A key of the platform's own, rotated every year."""

    mode: Literal["create"] = "create"
    deletion_window_days: Annotated[int, Field(ge=7, le=30)] = 30
    """Days in which a deleted key can still be saved."""


class AdoptKey(Model):
    """A key that exists already; its policy must let the account's IAM policies decide. Topics and the audit trail are
    encrypted with keys of AWS's, since the services that write them would have to stand in that policy."""

    mode: Literal["adopt"]
    arn: Arn


class SkipKey(Model):
    """No key of your own: the service's default key encrypts."""

    mode: Literal["skip"]


EncryptionKey = Annotated[
    Annotated[CreateKey, Tag("create")] | Annotated[AdoptKey, Tag("adopt")] | Annotated[SkipKey, Tag("skip")],
    Discriminator(mode_of),
]


class AwsFoundation(StageOptions):
    """Keys, buckets, network, image repository, audit trail and budget on AWS."""

    engine: Literal["aws"] = "aws"
    key: EncryptionKey = CreateKey()
    artifacts_bucket: Bucket = CreateBucket()
    data_bucket: OptionalBucket = CreateBucket()
    capture_bucket: OptionalBucket = CreateBucket(expire_days=90)
    logs_bucket: OptionalBucket = CreateBucket(expire_days=365)
    network: Network = SkipNetwork(mode="skip")
    """Where jobs, endpoints and notebooks run; default: in networks that AWS manages."""
    trail: Trail = CreateTrail()
    """Audit trail of who read and wrote models and data."""
    budget: Budget | None = None
    """What each environment may cost; default: nobody watches."""
    github_oidc: Oidc | None = None
    """Trust in GitHub's tokens; default: made where GitHub Actions builds."""
    gitlab_oidc: Oidc | None = None
    """Trust in GitLab's tokens; default: made where GitLab builds."""
    permission_boundary: Arn | None = None
    """ARN of a policy that bounds every role that is made; default: none."""
    old_versions_days: Annotated[int, Field(ge=1)] = 90
    """Overwritten and deleted objects can be restored for so many days."""
    keep_images: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many tagged images the repository keeps; default: all, since a released one must stay."""
    untagged_images_days: Annotated[int, Field(ge=1)] = 14
    """Images without a tag are deleted after so many days."""
