"""The repository of the images in which the user's code runs, on every step and endpoint.

It deletes nothing that has a tag unless it is told how many to keep: a released image must stay pullable.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.foundation.aws.keys import ScopeKey
from mlops_components.grants import AwsGrant, aws_grant, document, statement
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import ECR_REPOSITORY, physical_name
from mlops_components.placement import AwsPlacement, account_root, aws_partition
from mlops_components.tags import aws_tags

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_RETRIEVE = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_LAMBDA = "lambda.amazonaws.com"
_PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")


@dataclass(frozen=True)
class ImageRepository:
    """The repository as others see it."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def grant_pull(self) -> list[AwsGrant]:
        """Permission to pull images; the login that it takes knows no narrower resource than `*`."""
        return [aws_grant(_PULL, [self.arn]), aws_grant(["ecr:GetAuthorizationToken"], ["*"])]

    def grant_push(self) -> list[AwsGrant]:
        """Permission to push images, and to pull the layers that they share."""
        return [aws_grant([*_PULL, *_PUSH], [self.arn]), aws_grant(["ecr:GetAuthorizationToken"], ["*"])]


def image_repository(
    name: str,
    parent: pulumi.Resource,
    placement: AwsPlacement,
    key: ScopeKey,
    lifecycle: Lifecycle,
    *,
    reader_account_ids: Sequence[str],
    function_account_ids: Sequence[str],
    untagged_days: int,
    keep_tagged: Optional[int],
) -> ImageRepository:
    """Register the repository, scanned on push, with tags that never move, and with its policies."""
    repository = aws.ecr.Repository(
        f"{name}-images",
        name=physical_name((placement["blueprint"], placement["scope"], "images"), ECR_REPOSITORY),
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
        encryption_configurations=[
            aws.ecr.RepositoryEncryptionConfigurationArgs(
                encryption_type="KMS" if key.arn is not None else "AES256", kms_key=key.arn
            )
        ],
        force_delete=lifecycle is Lifecycle.DELETE,
        tags=aws_tags(placement, "foundation"),
        opts=stateful(parent, lifecycle),
    )
    setting = pulumi.ResourceOptions(parent=parent, deleted_with=repository)
    aws.ecr.LifecyclePolicy(
        f"{name}-images-lifecycle",
        repository=repository.name,
        policy=lifecycle_policy(untagged_days, keep_tagged),
        opts=setting,
    )
    others = sorted(set(reader_account_ids) - {placement["account_id"]})
    if others or function_account_ids:
        aws.ecr.RepositoryPolicy(
            f"{name}-images-policy",
            repository=repository.name,
            policy=pull_policy(others, placement["region"], function_account_ids),
            opts=setting,
        )
    return ImageRepository(repository.name, repository.arn, repository.repository_url)


def pull_policy(account_ids: Sequence[str], region: str, function_account_ids: Sequence[str] = ()) -> str:
    """Return the policy by which other accounts may pull, and Lambda for the functions of some accounts.

    A repository policy names no resource. Lambda fetches the image of a function itself, not with the function's role,
    in its own account as in others (Lambda Developer Guide, "Create a function using a container image", Amazon ECR
    permissions).
    """
    statements = []
    if account_ids:
        roots = {"AWS": [account_root(account_id, region) for account_id in account_ids]}
        statements.append(statement("Allow", _PULL, [], sid="EnvironmentsPull", principals=roots))
    if function_account_ids:
        functions = [
            f"arn:{aws_partition(region)}:lambda:{region}:{account_id}:function:*"
            for account_id in sorted(set(function_account_ids))
        ]
        statements.append(
            statement(
                "Allow",
                _RETRIEVE,
                [],
                sid="LambdaRetrieves",
                principals={"Service": _LAMBDA},
                conditions={"ArnLike": {"aws:SourceArn": functions}},
            )
        )
    return document(statements)


def lifecycle_policy(untagged_days: int, keep_tagged: Optional[int]) -> str:
    """Return the repository's expiry rules as JSON."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": untagged_days,
    }
    rules = [_expire(1, "untagged images", untagged)]
    if keep_tagged is not None:
        tagged = {
            "tagStatus": "tagged",
            "tagPatternList": ["*"],
            "countType": "imageCountMoreThan",
            "countNumber": keep_tagged,
        }
        rules.append(_expire(2, "the oldest tagged images", tagged))
    return json.dumps({"rules": rules}, sort_keys=True)


def _expire(priority: int, what: str, selection: dict[str, Any]) -> dict[str, Any]:
    return {
        "rulePriority": priority,
        "description": f"Expire {what}",
        "selection": selection,
        "action": {"type": "expire"},
    }
