"""Blueprint -> foundation."""

from __future__ import annotations

from typing import Any

from mlops_components.foundation.aws import foundation as components
from mlops_stacks.blueprint.aws_stages.foundation import AdoptBucket, AdoptKey, AwsFoundation, CreateBucket, CreateKey
from mlops_stacks.blueprint.vocabulary import SHARED, Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common


def build(context: Context) -> Any:
    """The foundation of a scope."""
    chosen: AwsFoundation = context.options(Stage.FOUNDATION)
    everywhere = {
        "placement": common.placement(context),
        "key": _key(chosen),
        "reader_account_ids": common.other_accounts(context),
        "lifecycle": common.lifecycle(context, Stage.FOUNDATION),
    }
    if context.scope == SHARED:
        limit = {} if chosen.keep_images is None else {"keep_tagged": chosen.keep_images}
        args = {**everywhere, **limit, "untagged_days": chosen.untagged_images_days}
        return components.AwsSharedFoundation("foundation", args, common.options(context))  # type: ignore[arg-type]
    args = {
        **everywhere,
        "artifacts": _bucket(chosen.artifacts_bucket),
        "data": _bucket(chosen.data_bucket),
        "capture": _bucket(chosen.capture_bucket),
        "logs": _bucket(chosen.logs_bucket),
        "old_versions_days": chosen.old_versions_days,
    }
    return components.AwsFoundation("foundation", args, common.options(context))  # type: ignore[arg-type]


def _key(chosen: AwsFoundation) -> dict[str, Any]:
    if isinstance(chosen.key, CreateKey):
        return {"choice": "create", "deletion_window_days": chosen.key.deletion_window_days}
    if isinstance(chosen.key, AdoptKey):
        return {"choice": "adopt", "arn": chosen.key.arn}
    return {"choice": "skip"}


def _bucket(bucket: Any) -> dict[str, Any]:
    if isinstance(bucket, CreateBucket):
        return {"choice": "create", "expire_days": bucket.expire_days}
    if isinstance(bucket, AdoptBucket):
        return {"choice": "adopt", "name": bucket.name}
    return {"choice": "skip"}
