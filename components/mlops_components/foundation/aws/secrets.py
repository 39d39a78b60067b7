"""Secrets that others keep in Secrets Manager: who reads them is granted here, their values are never seen."""

from collections.abc import Sequence

from mlops_components.args import ArgsError
from mlops_components.foundation.aws.keys import ScopeKey
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.placement import AwsPlacement, aws_partition

_SUFFIX = "-??????"
"""Secrets Manager ends each ARN with a hyphen and six characters of its own."""


def secret_arn(secret: str, placement: AwsPlacement) -> str:
    """Return the ARN, or the narrowest pattern, of a secret given by its ARN or its name."""
    if secret.startswith("arn:"):
        return secret
    if not secret or "*" in secret or "?" in secret:
        raise ArgsError("'secrets' holds a pattern; write the name or the ARN of one secret.")
    region, account = placement["region"], placement["account_id"]
    return f"arn:{aws_partition(region)}:secretsmanager:{region}:{account}:secret:{secret}{_SUFFIX}"


def grant_secrets_read(secrets: Sequence[str], placement: AwsPlacement, key: ScopeKey) -> list[AwsGrant]:
    """Permission to read these secrets, and to decrypt those that are encrypted with the scope's key."""
    if not secrets:
        return []
    arns = sorted({secret_arn(secret, placement) for secret in secrets})
    return [
        aws_grant(["secretsmanager:GetSecretValue"], arns),
        *key.grant_through("secretsmanager", ["kms:Decrypt"]),
    ]
