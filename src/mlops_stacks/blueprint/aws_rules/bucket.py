"""Names of buckets that S3 would refuse, beyond their characters, and buckets adopted for two things at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlops_stacks.blueprint.aws_stages.foundation import AdoptBucket, AwsFoundation
from mlops_stacks.blueprint.problems import Problem
from mlops_stacks.blueprint.settings import Settings

# Amazon S3 User Guide, "General purpose bucket naming rules".
_RESERVED_BEGINNINGS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_PURPOSES = ("artifacts_bucket", "data_bucket", "capture_bucket", "logs_bucket")


def broken_buckets(settings: Settings) -> Iterator[Problem]:
    """Buckets to adopt that cannot exist, or that would be used for two things."""
    foundation = settings.stages.foundation
    if not isinstance(foundation, AwsFoundation):
        return
    taken: dict[str, str] = {}
    for purpose in _PURPOSES:
        bucket = getattr(foundation, purpose)
        if not isinstance(bucket, AdoptBucket):
            continue
        path = ("stages", "foundation", purpose, "name")
        reason = _impossible(bucket.name)
        if reason:
            yield Problem(path, f"`{bucket.name}` {reason}", "write the name of a general purpose bucket")
        if bucket.name in taken:
            yield Problem(
                path,
                f"`{bucket.name}` is the {taken[bucket.name]} already",
                "name another, or write `mode: skip`: a folder of the artifacts bucket is used then",
            )
        taken.setdefault(bucket.name, purpose)


SETTINGS_RULES = (broken_buckets,)


def _impossible(name: str) -> str:
    if _ADDRESS.fullmatch(name):
        return "looks like an IP address, which S3 refuses as a name"
    for beginning in _RESERVED_BEGINNINGS:
        if name.startswith(beginning):
            return f"begins with `{beginning}`, which S3 keeps for itself"
    for ending in _RESERVED_ENDINGS:
        if name.endswith(ending):
            return f"ends with `{ending}`, which marks something else than a bucket of this kind"
    return ""
