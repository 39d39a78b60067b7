"""Where the hand-written AWS program puts things, and the policies that it attaches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

REGION = "eu-west-1"
DEV, PROD = "111111111111", "222222222222"
THROUGH_S3 = f"s3.{REGION}.amazonaws.com"
LOGGED = ("artifacts", "data", "capture")
KEY_ACTIONS = """
CancelKeyDeletion CreateAlias CreateGrant Decrypt DeleteAlias DescribeKey DisableKey DisableKeyRotation EnableKey
EnableKeyRotation Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GetKeyPolicy GetKeyRotationStatus ListGrants
ListKeyPolicies ListKeyRotations ListResourceTags PutKeyPolicy ReEncryptFrom ReEncryptTo RetireGrant RevokeGrant
RotateKeyOnDemand ScheduleKeyDeletion TagResource UntagResource UpdateAlias UpdateKeyDescription
"""


@dataclass(frozen=True)
class Scope:
    """Where a stack goes."""

    name: str
    account: str
    reader: str
    """The other account, which may read."""
    lifecycle: str

    def tags(self, stage: str) -> dict[str, str]:
        """Tags of a resource."""
        return {
            "blueprint": "flights",
            "cost-centre": "4711",
            "environment": self.name,
            "managed-by": "mlops-stacks",
            "owner": "data-platform@example.com",
            "stage": stage,
        }

    def bucket(self, purpose: str) -> str:
        """Name of a bucket."""
        return f"flights-{self.name}-{purpose}-{self.account}"

    @property
    def trail(self) -> str:
        """Name of the trail."""
        return f"flights-{self.name}-audit"

    def stateful(self, provider: aws.Provider) -> pulumi.ResourceOptions:
        """Options of what holds data."""
        return pulumi.ResourceOptions(
            provider=provider,
            protect=True if self.lifecycle == "protect" else None,
            retain_on_delete=True if self.lifecycle == "retain" else None,
        )


def root_of(account: str) -> str:
    """The principal that stands for a whole account."""
    return f"arn:aws:iam::{account}:root"


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: list[str], resources: list[str] | None = None, **rest: Any) -> dict[str, Any]:
    """A statement that allows."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, **rest}
    if resources is not None:
        statement["Resource"] = resources
    return statement


def bucket_policy(scope: Scope, purpose: str, arn: str) -> str:
    """No request without TLS 1.2, and then who else may come in."""
    deny = {"Effect": "Deny", "Action": ["s3:*"], "Principal": {"AWS": "*"}, "Resource": [arn, f"{arn}/*"]}
    statements: list[dict[str, Any]] = [
        {**deny, "Sid": "RefusePlainHttp", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {**deny, "Sid": "RefuseOldTls", "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
    ]
    if purpose == "artifacts":
        reader = {"AWS": [root_of(scope.reader)]}
        statements.append(allow(["s3:GetObject"], [f"{arn}/*"], Sid="Readers", Principal=reader))
        statements.append(allow(["s3:GetBucketLocation", "s3:ListBucket"], [arn], Sid="ReadersList", Principal=reader))
    if purpose == "logs":
        statements.append(
            allow(
                ["s3:PutObject"],
                [f"{arn}/s3/*"],
                Sid="AccessLogs",
                Principal={"Service": "logging.s3.amazonaws.com"},
                Condition={
                    "ArnLike": {"aws:SourceArn": [f"arn:aws:s3:::{scope.bucket(each)}" for each in LOGGED]},
                    "StringEquals": {"aws:SourceAccount": scope.account},
                },
            )
        )
        statements += trail_writes(scope, arn)
    return policy(*statements)


def by_trail(scope: Scope, sid: str, actions: list[str], resource: str, **equals: str) -> dict[str, Any]:
    """A statement that allows something to the trail alone."""
    source = f"arn:aws:cloudtrail:{REGION}:{scope.account}:trail/{scope.trail}"
    principal, condition = {"Service": "cloudtrail.amazonaws.com"}, {"aws:SourceArn": source, **equals}
    return allow(actions, [resource], Sid=sid, Principal=principal, Condition={"StringEquals": condition})


def trail_writes(scope: Scope, arn: str) -> list[dict[str, Any]]:
    """What the trail may do in the bucket of the logs."""
    owner = {"s3:x-amz-acl": "bucket-owner-full-control"}
    return [
        by_trail(scope, "TrailLooksAtTheBucket", ["s3:GetBucketAcl"], arn),
        by_trail(scope, "TrailWrites", ["s3:PutObject"], f"{arn}/trail/AWSLogs/{scope.account}/*", **owner),
    ]


def tracking_policy(bucket_arn: str, key_arn: str) -> str:
    """What the tracking server may do: keep artifacts below `mlflow/`."""
    return policy(
        allow(
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [key_arn],
            Condition={"StringEquals": {"kms:ViaService": [THROUGH_S3]}},
        ),
        allow(
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [f"{bucket_arn}/mlflow/*"]
        ),
        allow(["s3:ListBucket"], [bucket_arn], Condition={"StringLike": {"s3:prefix": ["mlflow", "mlflow/*"]}}),
    )
