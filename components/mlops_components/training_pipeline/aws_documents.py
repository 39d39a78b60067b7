"""The documents that steps on AWS read, as objects in the artifact bucket: one for each content, never overwritten.

A run that is under way keeps reading what it was started with, so a document stays when its successor comes.
"""

import json
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.naming import content_hash
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags

FOLDER = "settings"
"""Folder of the artifact bucket."""


def stored_document(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    bucket: pulumi.Input[str],
    stem: str,
    content: pulumi.Input[Any],
    *,
    file: Optional[str] = None,
) -> pulumi.Output[str]:
    """Register `content` as JSON under `settings/<stem>-<hash>.json`; returns its URI, known once it is there.

    Who insists on the name of a file gives it as `file`, and finds it under `settings/<stem>-<hash>/`.
    """
    ending = ".json" if file is None else f"/{file}"
    text = pulumi.Output.from_input(content).apply(lambda plain: json.dumps(plain, sort_keys=True))
    stored = aws.s3.BucketObjectv2(
        name,
        bucket=bucket,
        key=text.apply(lambda plain: f"{FOLDER}/{stem}-{content_hash(plain)}{ending}"),
        content=text,
        content_type="application/json",
        tags=_few(aws_tags(placement, "training_pipeline")),
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True),
    )
    return pulumi.Output.format("s3://{0}/{1}", stored.bucket, stored.key)


def _few(tags: dict[str, str]) -> dict[str, str]:
    """An object takes ten tags; ours come first."""
    own: dict[str, str] = {
        name: tags[name] for name in ("blueprint", "environment", "managed-by", "stage") if name in tags
    }
    merged: dict[str, str] = {**own, **tags}
    return dict(list(merged.items())[:10])
