"""The key that encrypts everything of one scope.

Its policy never trusts a service without a condition, and gives no principal a wildcard. The account itself gets what
administering and using the key takes, listed in full, so that IAM policies decide who may: that is the way in which
our own roles are allowed to use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.choice import AwsKeyChoice, Choice
from mlops_components.grants import AwsGrant, aws_grant, document, statement
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import KMS_ALIAS, physical_name
from mlops_components.placement import AwsPlacement, account_root
from mlops_components.tags import aws_tags

# AWS KMS Developer Guide, "Default key policy": what key administrators and key users need.
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
_USE = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_ROLE_USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
)
_SERVICE_USE = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")


@dataclass(frozen=True)
class ScopeKey:
    """The key of a scope as its other resources see it; `arn` is None where there is none."""

    arn: Optional[pulumi.Input[str]]
    region: str
    own: bool = False
    """Whether its policy is ours, so that services can be let use it."""

    def grant_through_s3(self, actions: Sequence[str]) -> list[AwsGrant]:
        """Return the permission to use the key by way of S3, and no other; none where there is no key."""
        return self.grant_through("s3", actions)

    def grant_through(self, service: str, actions: Sequence[str]) -> list[AwsGrant]:
        """Return the permission to use the key by way of one service; none where there is no key."""
        if self.arn is None:
            return []
        through = {"StringEquals": {"kms:ViaService": [f"{service}.{self.region}.amazonaws.com"]}}
        return [aws_grant(actions, [self.arn], through)]

    def grant_use(self) -> list[AwsGrant]:
        """Return the permission to encrypt volumes and results of jobs with the key; none where there is no key.

        A service that keeps a volume encrypted needs a grant of its own on the key, which it may be given only for
        what AWS does on one's behalf.
        """
        if self.arn is None:
            return []
        for_aws = {"Bool": {"kms:GrantIsForAWSResource": ["true"]}}
        return [aws_grant(_ROLE_USE, [self.arn]), aws_grant(["kms:CreateGrant"], [self.arn], for_aws)]


def scope_key(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    choice: AwsKeyChoice,
    lifecycle: Lifecycle,
    *,
    services: Sequence[str] = (),
    reader_account_ids: Sequence[str] = (),
    statements: Sequence[Mapping[str, Any]] = (),
) -> ScopeKey:
    """Return the key of a scope: created with rotation and an alias, adopted, or none.

    `statements` are further ones of a created key's policy.
    """
    source = Choice(choice.get("choice", Choice.CREATE))
    if source is Choice.SKIP:
        return ScopeKey(None, placement["region"])
    if source is Choice.ADOPT:
        if not choice.get("arn"):
            raise ArgsError("the key is to be adopted, but 'key.arn' is missing; write the ARN of the existing key.")
        return ScopeKey(choice["arn"], placement["region"])
    key = aws.kms.Key(
        f"{name}-key",
        description=f"Encrypts what {placement['blueprint']} keeps in {placement['scope']}",
        enable_key_rotation=True,
        rotation_period_in_days=365,
        deletion_window_in_days=choice.get("deletion_window_days", 30),
        policy=key_policy(placement, services, reader_account_ids, statements),
        tags=aws_tags(placement, "foundation"),
        opts=stateful(parent, lifecycle),
    )
    aws.kms.Alias(
        f"{name}-key-alias",
        name="alias/" + physical_name((placement["blueprint"], placement["scope"]), KMS_ALIAS),
        target_key_id=key.key_id,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return ScopeKey(key.arn, placement["region"], own=True)


def key_policy(
    placement: AwsPlacement,
    services: Sequence[str],
    reader_account_ids: Sequence[str],
    more: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the key's policy. In a key policy the resource `*` means the key itself."""
    account, region = placement["account_id"], placement["region"]
    statements: list[Mapping[str, Any]] = [
        statement(
            "Allow",
            sorted({*_ADMINISTRATION, *_USE}),
            ["*"],
            sid="AccountDecidesByItsOwnPolicies",
            principals={"AWS": account_root(account, region)},
        )
    ]
    if services:
        statements.append(
            statement(
                "Allow",
                _SERVICE_USE,
                ["*"],
                sid="ServicesForThisAccount",
                principals={"Service": sorted(set(services))},
                conditions={"StringEquals": {"aws:SourceAccount": account}},
            )
        )
    others = sorted(set(reader_account_ids) - {account})
    if others:
        statements.append(
            statement(
                "Allow",
                ["kms:Decrypt", "kms:DescribeKey"],
                ["*"],
                sid="ReadersThroughS3",
                principals={"AWS": [account_root(other, region) for other in others]},
                conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
            )
        )
    return document([*statements, *more])


def topics_statements(services: Sequence[str], topic_arns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the statement by which services may publish to encrypted topics; none where no service does.

    SNS names the topic in the encryption context of each use, whoever publishes, so that this holds also for services
    that do not say on whose behalf they come, and for those whose publishing SNS carries out (Amazon SNS Developer
    Guide, "Securing Amazon SNS data with server-side encryption" and "Key management").
    """
    if not services:
        return []
    return [
        statement(
            "Allow",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            ["*"],
            sid="NewsOfThisScope",
            principals={"Service": list(services)},
            conditions={"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": list(topic_arns)}},
        )
    ]
