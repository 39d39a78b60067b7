"""Checks that S3 buckets are private and encrypted with a key of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlops_stacks.checks.values import is_open, is_read
from mlops_stacks.plan import Finding, Plan, PlannedResource, ScopePlan, Severity

RULES = {
    "public-bucket": "every bucket blocks public access, in all four ways",
    "bucket-encryption": "every bucket is encrypted with a KMS key, or takes access logs and is encrypted by S3",
}

_BUCKET = "aws:s3/bucket:Bucket"
_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
_LOGGING = ("aws:s3/bucketLogging:BucketLogging", "aws:s3/bucketLoggingV2:BucketLoggingV2")
_ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
_WAYS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield buckets that others could read, or that are not encrypted with a key."""
    for scope in plan.scopes:
        for bucket in scope.resources:
            if bucket.type == _BUCKET and not is_read(bucket):
                yield from _public(bucket, scope)
                yield from _unencrypted(bucket, scope)


def _public(bucket: PlannedResource, scope: ScopePlan) -> Iterator[Finding]:
    blocks = list(_about(bucket, scope, (_BLOCK,)))
    if not blocks:
        yield _finding("public-bucket", bucket, "has no BucketPublicAccessBlock", "add one, with all four ways true")
    for block in blocks:
        open_ways = [way for way in _WAYS if block.inputs.get(way) is not True and not is_open(block.inputs.get(way))]
        if open_ways:
            said = f"has a BucketPublicAccessBlock {block.name!r} without {', '.join(open_ways)}"
            yield _finding("public-bucket", bucket, said, "set all four ways to true")
    for holder in (bucket, *_about(bucket, scope, _ACLS)):
        if str(holder.inputs.get("acl", "")).startswith(("public", "authenticated")):
            said = f"has the ACL {holder.inputs['acl']!r}"
            yield _finding("public-bucket", bucket, said, "leave the ACL out, and grant access by policy")


def _unencrypted(bucket: PlannedResource, scope: ScopePlan) -> Iterator[Finding]:
    fix = "add a BucketServerSideEncryptionConfiguration with the algorithm `aws:kms` and the foundation's key"
    rules: list[Any] = []
    for resource in _about(bucket, scope, _ENCRYPTION):
        rules.extend(resource.inputs.get("rules", ()))
    inline = bucket.inputs.get("serverSideEncryptionConfiguration")
    if isinstance(inline, Mapping):
        rules.append(inline.get("rule"))
    if not rules:
        yield _finding("bucket-encryption", bucket, "has no encryption configuration", fix)
    for rule in rules:
        default = rule.get("applyServerSideEncryptionByDefault") if isinstance(rule, Mapping) else None
        algorithm = default.get("sseAlgorithm") if isinstance(default, Mapping) else default
        if not str(algorithm).startswith("aws:kms") and not is_open(algorithm) and not is_open(rule):
            # S3 delivers access logs only into buckets whose default encryption is SSE-S3.
            if algorithm == "AES256" and any(_about(bucket, scope, _LOGGING, "targetBucket")):
                continue
            # A key of AWS's own is weaker than one of yours, but it is encryption, and the blueprint can ask for it.
            severity = Severity.WARNING if algorithm == "AES256" else Severity.ERROR
            said = f"is encrypted with {algorithm!r}, not with a KMS key"
            yield _finding("bucket-encryption", bucket, said, fix, severity)


def _about(
    bucket: PlannedResource, scope: ScopePlan, types: Iterable[str], key: str = "bucket"
) -> Iterator[PlannedResource]:
    """Yield the resources of some types that name a bucket under `key`: by reference, or by its physical name."""
    name = bucket.inputs.get("bucket")
    for resource in scope.resources:
        if resource.type in types:
            given = resource.inputs.get(key)
            by_reference = bucket.urn in resource.property_dependencies.get(key, ())
            if by_reference or (name is not None and given == name):
                yield resource


def _finding(rule: str, bucket: PlannedResource, said: str, fix: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule, severity, bucket.urn, f"{bucket.name} ({bucket.type}) {said}", fix)
