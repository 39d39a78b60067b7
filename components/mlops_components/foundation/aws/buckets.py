"""Buckets: private, encrypted, versioned, reached through TLS only, with every access logged.

Every property is a resource of its own, as pulumi-aws 7 wants it: the inline arguments of `aws.s3.Bucket` are
deprecated and would be fought over. The order between them matters: S3 refuses two changes of one bucket's access at
the same time, and expiry of old versions needs versioning first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.choice import AwsBucketChoice, Choice
from mlops_components.foundation.aws.keys import ScopeKey
from mlops_components.grants import AwsGrant, aws_grant, document, statement
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import S3_BUCKET, physical_name
from mlops_components.placement import AwsPlacement, account_root, aws_partition
from mlops_components.tags import aws_tags

_ABORT_UPLOADS_AFTER_DAYS = 7


@dataclass(frozen=True)
class Place:
    """Somewhere to keep objects: a bucket, or a folder of one."""

    bucket: pulumi.Input[str]
    arn: pulumi.Input[str]
    key: ScopeKey
    folder: str = ""

    @property
    def root(self) -> pulumi.Output[str]:
        """URI without a final slash."""
        return pulumi.Output.format("s3://{0}{1}", self.bucket, f"/{self.folder}" if self.folder else "")

    def inside(self, folder: str) -> "Place":
        """A folder of this place."""
        return Place(self.bucket, self.arn, self.key, f"{self.folder}/{folder}".strip("/"))

    def grant_read(self) -> list[AwsGrant]:
        """Permission to list and read what is here, and to decrypt it."""
        return [
            *self._grant_list(),
            aws_grant(["s3:GetObject"], [self._objects()]),
            *self.key.grant_through_s3(["kms:Decrypt"]),
        ]

    def grant_write(self) -> list[AwsGrant]:
        """Permission to list, read, write and delete what is here, and to encrypt and decrypt it."""
        actions = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        return [
            *self._grant_list(),
            aws_grant(actions, [self._objects()]),
            *self.key.grant_through_s3(["kms:Decrypt", "kms:GenerateDataKey"]),
        ]

    def _grant_list(self) -> list[AwsGrant]:
        below = {"StringLike": {"s3:prefix": [self.folder, f"{self.folder}/*"]}} if self.folder else None
        return [aws_grant(["s3:ListBucket"], [self.arn], below)]

    def _objects(self) -> pulumi.Output[str]:
        return pulumi.Output.format("{0}/{1}*", self.arn, f"{self.folder}/" if self.folder else "")


def _none(_: str) -> Sequence[Mapping[str, Any]]:
    return ()


@dataclass(frozen=True)
class BucketSpec:
    """What one created bucket is like, apart from what all buckets have in common."""

    purpose: str
    expire_after_days: Optional[int]
    old_versions_days: int
    reader_account_ids: Sequence[str] = ()
    log_sources: Sequence[str] = ()
    """Names of the buckets whose access logs arrive here; not empty only for the log bucket itself."""
    more_statements: Callable[[str], Sequence[Mapping[str, Any]]] = _none
    """ARN of the bucket -> further statements of its policy."""


@dataclass(frozen=True)
class BucketContext:
    """What all buckets of a scope have in common."""

    component: str
    parent: pulumi.Resource
    placement: AwsPlacement
    key: ScopeKey
    lifecycle: Lifecycle


def bucket_name(placement: AwsPlacement, purpose: str) -> str:
    """Return the bucket's name; it ends with the account, because bucket names are shared by all of AWS."""
    parts = (placement["blueprint"], placement["scope"], purpose, placement["account_id"])
    return physical_name(parts, S3_BUCKET)


def adopted_bucket(purpose: str, choice: AwsBucketChoice, placement: AwsPlacement, key: ScopeKey) -> Place:
    """Return the existing bucket that the choice names."""
    name = choice.get("name")
    if not name:
        raise ArgsError(f"the {purpose} bucket is to be adopted, but '{purpose}.name' is missing; write its name.")
    return Place(name, f"arn:{aws_partition(placement['region'])}:s3:::{name}", key)


def wanted(choice: AwsBucketChoice) -> Choice:
    """Return the choice made, `create` by default."""
    return Choice(choice.get("choice", Choice.CREATE))


def create_bucket(context: BucketContext, spec: BucketSpec, log: Optional["CreatedBucket"]) -> "CreatedBucket":
    """Register a bucket with everything that makes it safe, and return it. `log` takes its access logs."""
    name = f"{context.component}-{spec.purpose}"
    bucket = aws.s3.Bucket(
        name,
        bucket=bucket_name(context.placement, spec.purpose),
        force_destroy=context.lifecycle is Lifecycle.DELETE,
        tags=aws_tags(context.placement, "foundation"),
        opts=stateful(context.parent, context.lifecycle),
    )
    child = _setting_of(bucket, context)
    _encrypt(name, bucket, context, spec, child)
    policy = _close(name, bucket, context, spec, child)
    _version_and_expire(name, bucket, context, spec, child)
    if log is not None:
        aws.s3.BucketLogging(
            f"{name}-logging",
            bucket=bucket.bucket,
            target_bucket=log.place.bucket,
            target_prefix=f"s3/{spec.purpose}/",
            opts=_setting_of(bucket, context, *([log.policy] if log.policy else [])),
        )
    return CreatedBucket(Place(bucket.bucket, bucket.arn, context.key), policy)


@dataclass(frozen=True)
class CreatedBucket:
    """A bucket and the policy that must be there before others rely on it; an adopted bucket has none of ours."""

    place: Place
    policy: Optional[pulumi.Resource] = None


def _setting_of(bucket: aws.s3.Bucket, context: BucketContext, *after: pulumi.Resource) -> pulumi.ResourceOptions:
    # A setting is never deleted before its bucket: a bucket that is retained stays as closed as it was.
    return pulumi.ResourceOptions(parent=context.parent, deleted_with=bucket, depends_on=list(after))


def _encrypt(
    name: str, bucket: aws.s3.Bucket, context: BucketContext, spec: BucketSpec, child: pulumi.ResourceOptions
) -> None:
    # S3 delivers access logs only to buckets encrypted with keys of its own (S3 User Guide, "Enabling server access
    # logging"), so the log bucket cannot use ours.
    key = None if spec.log_sources else context.key.arn
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=(
                    aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms" if key is not None else "AES256", kms_master_key_id=key
                    )
                ),
                bucket_key_enabled=True if key is not None else None,
            )
        ],
        opts=child,
    )


def _close(
    name: str, bucket: aws.s3.Bucket, context: BucketContext, spec: BucketSpec, child: pulumi.ResourceOptions
) -> pulumi.Resource:
    ownership = aws.s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=child,
    )
    block = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=_setting_of(bucket, context, ownership),
    )
    policy: pulumi.Resource = aws.s3.BucketPolicy(
        f"{name}-policy",
        bucket=bucket.bucket,
        policy=bucket.arn.apply(lambda arn: bucket_policy(arn, context.placement, spec)),
        opts=_setting_of(bucket, context, block),
    )
    return policy


def _version_and_expire(
    name: str, bucket: aws.s3.Bucket, context: BucketContext, spec: BucketSpec, child: pulumi.ResourceOptions
) -> None:
    versioning = aws.s3.BucketVersioning(
        f"{name}-versioning",
        bucket=bucket.bucket,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=child,
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        bucket=bucket.bucket,
        rules=_lifecycle_rules(spec),
        opts=_setting_of(bucket, context, versioning),
    )


def _lifecycle_rules(spec: BucketSpec) -> list[Any]:
    everything = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    old_versions = aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="old-versions",
        status="Enabled",
        filter=everything,
        noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=spec.old_versions_days
        ),
        abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=_ABORT_UPLOADS_AFTER_DAYS
        ),
    )
    if spec.expire_after_days is None:
        return [old_versions]
    expiry = aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="expiry",
        status="Enabled",
        filter=everything,
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=spec.expire_after_days),
    )
    return [old_versions, expiry]


def bucket_policy(arn: str, placement: AwsPlacement, spec: BucketSpec) -> str:
    """Return the bucket's policy: no request without TLS 1.2, and then who else may come in."""
    everyone, everything = {"AWS": "*"}, [arn, f"{arn}/*"]
    old_tls = {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    statements: list[Mapping[str, Any]] = [
        statement(
            "Deny",
            ["s3:*"],
            everything,
            sid="RefusePlainHttp",
            principals=everyone,
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        ),
        statement("Deny", ["s3:*"], everything, sid="RefuseOldTls", principals=everyone, conditions=old_tls),
    ]
    others = sorted(set(spec.reader_account_ids) - {placement["account_id"]})
    if others:
        roots = {"AWS": [account_root(other, placement["region"]) for other in others]}
        statements.append(statement("Allow", ["s3:GetObject"], [f"{arn}/*"], sid="Readers", principals=roots))
        statements.append(
            statement("Allow", ["s3:GetBucketLocation", "s3:ListBucket"], [arn], sid="ReadersList", principals=roots)
        )
    if spec.log_sources:
        statements.append(_log_delivery(arn, placement, spec.log_sources))
    return document([*statements, *spec.more_statements(arn)])


def _log_delivery(arn: str, placement: AwsPlacement, sources: Sequence[str]) -> dict[str, Any]:
    partition = aws_partition(placement["region"])
    return statement(
        "Allow",
        ["s3:PutObject"],
        [f"{arn}/s3/*"],
        sid="AccessLogs",
        principals={"Service": "logging.s3.amazonaws.com"},
        conditions={
            "ArnLike": {"aws:SourceArn": [f"arn:{partition}:s3:::{source}" for source in sources]},
            "StringEquals": {"aws:SourceAccount": placement["account_id"]},
        },
    )


def network_log_statements(arn: str, placement: AwsPlacement) -> list[dict[str, Any]]:
    """Return what lets flow logs of a VPC arrive (VPC User Guide, "Amazon S3 bucket permissions for flow logs").

    Where a policy does not allow it, AWS would write one of its own over it.
    """
    region, account = placement["region"], placement["account_id"]
    source = {"ArnLike": {"aws:SourceArn": f"arn:{aws_partition(region)}:logs:{region}:{account}:*"}}
    service = {"Service": "delivery.logs.amazonaws.com"}
    return [
        statement(
            "Allow",
            ["s3:PutObject"],
            [f"{arn}/network/AWSLogs/{account}/*"],
            sid="NetworkLogs",
            principals=service,
            conditions={
                "StringEquals": {"aws:SourceAccount": account, "s3:x-amz-acl": "bucket-owner-full-control"},
                **source,
            },
        ),
        statement(
            "Allow",
            ["s3:GetBucketAcl", "s3:ListBucket"],
            [arn],
            sid="NetworkLogsLookAtTheBucket",
            principals=service,
            conditions={"StringEquals": {"aws:SourceAccount": account}, **source},
        ),
    ]
