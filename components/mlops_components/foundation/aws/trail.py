"""Who read and wrote models and data: a trail of every access to these objects, kept with the other logs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.choice import AwsTrailChoice, Choice
from mlops_components.foundation.aws.keys import ScopeKey
from mlops_components.grants import statement
from mlops_components.naming import CLOUDTRAIL, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.tags import aws_tags

SERVICE = "cloudtrail.amazonaws.com"
PREFIX = "trail"
"""Folder of the log bucket."""


@dataclass(frozen=True)
class TrailLogs:
    """Where a trail is kept."""

    bucket: pulumi.Input[str]
    after: Sequence[pulumi.Resource]
    """What must be there before: the policy that lets CloudTrail write."""


def wanted_trail(choice: AwsTrailChoice) -> Choice:
    """Return the choice made, `create` by default."""
    return Choice(choice.get("choice", Choice.CREATE))


def trail_arn(placement: AwsPlacement) -> str:
    """Return the ARN that a created trail will have, for the policies that come before it."""
    region, account = placement["region"], placement["account_id"]
    return f"arn:{aws_partition(region)}:cloudtrail:{region}:{account}:trail/{trail_name(placement)}"


def trail_name(placement: AwsPlacement) -> str:
    """Return the name of the trail."""
    return physical_name((placement["blueprint"], placement["scope"], "audit"), CLOUDTRAIL)


def audit_trail(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    choice: AwsTrailChoice,
    key: ScopeKey,
    logs: Optional[TrailLogs],
    bucket_arns: Sequence[pulumi.Input[str]],
) -> pulumi.Output[str]:
    """Return the trail's ARN, empty where there is none. A created one records every access to objects."""
    source = wanted_trail(choice)
    if source is Choice.SKIP:
        return pulumi.Output.from_input("")
    if source is Choice.ADOPT:
        if not choice.get("arn"):
            raise ArgsError("the trail is to be adopted, but 'trail.arn' is missing; write the ARN of the trail.")
        return pulumi.Output.from_input(choice["arn"])
    if logs is None:
        raise ArgsError("the trail has nowhere to be kept, since 'logs' is skipped; write 'trail.choice' skip too.")
    trail = aws.cloudtrail.Trail(
        f"{name}-trail",
        name=trail_name(placement),
        s3_bucket_name=logs.bucket,
        s3_key_prefix=PREFIX,
        kms_key_id=key.arn if key.own else None,
        enable_log_file_validation=True,
        include_global_service_events=bool(choice.get("management_events")),
        is_multi_region_trail=False,
        advanced_event_selectors=_selectors(bucket_arns, bool(choice.get("management_events"))),
        tags=aws_tags(placement, "foundation"),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(logs.after)),
    )
    return pulumi.Output.from_input(trail.arn)


def bucket_statements(arn: str, placement: AwsPlacement) -> list[dict[str, Any]]:
    """Return what the log bucket's policy must allow (CloudTrail User Guide, "Amazon S3 bucket policy")."""
    principals, source = {"Service": SERVICE}, {"aws:SourceArn": trail_arn(placement)}
    return [
        statement(
            "Allow",
            ["s3:GetBucketAcl"],
            [arn],
            sid="TrailLooksAtTheBucket",
            principals=principals,
            conditions={"StringEquals": source},
        ),
        statement(
            "Allow",
            ["s3:PutObject"],
            [f"{arn}/{PREFIX}/AWSLogs/{placement['account_id']}/*"],
            sid="TrailWrites",
            principals=principals,
            conditions={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **source}},
        ),
    ]


def key_statement(placement: AwsPlacement) -> dict[str, Any]:
    """Return what the key's policy must allow (CloudTrail User Guide, "Configure AWS KMS key policies")."""
    return statement(
        "Allow",
        ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        ["*"],
        sid="TrailOfThisScope",
        principals={"Service": SERVICE},
        conditions={"StringEquals": {"aws:SourceArn": trail_arn(placement)}},
    )


def _selectors(bucket_arns: Sequence[pulumi.Input[str]], management: bool) -> list[Any]:
    objects = [pulumi.Output.concat(arn, "/") for arn in bucket_arns]
    fields = aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs
    selectors = [
        aws.cloudtrail.TrailAdvancedEventSelectorArgs(
            name="Objects of models and data",
            field_selectors=[
                fields(field="eventCategory", equals=["Data"]),
                fields(field="resources.type", equals=["AWS::S3::Object"]),
                fields(field="resources.ARN", starts_withs=objects),
            ],
        )
    ]
    if management:
        selectors.append(
            aws.cloudtrail.TrailAdvancedEventSelectorArgs(
                name="Changes of resources",
                field_selectors=[
                    fields(field="eventCategory", equals=["Management"]),
                    fields(field="readOnly", equals=["false"]),
                ],
            )
        )
    return selectors
