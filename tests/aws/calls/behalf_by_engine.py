"""The same as in `behalf` for roles that only other engines than a stage's default have, or that differ there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from behalf import ON_BEHALF, Behalf


def _said(source: str, purposes: str, actions: str) -> Behalf:
    return Behalf(tuple(purposes.split()), tuple(actions.split()), source)


_LOGS = _said(
    "AWS Managed Policies, AWSLambdaBasicExecutionRole: a group that is not there is made; our one grant of logs adds "
    "that its streams may be listed",
    "serving shift launch",
    "logs:CreateLogGroup logs:DescribeLogStreams",
)
_WRITTEN = _said(
    "S3 User Guide, Multipart upload and SSE-KMS: what is kept of requests is written in parts, and anew",
    "serving cijobs",
    "s3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject s3:ListBucket kms:Decrypt kms:GenerateDataKey",
)
BY_ENGINE: Mapping[str, Sequence[Behalf]] = {
    "lambda": (
        _LOGS,
        _WRITTEN,
        _said(
            "Our one grant of networks is SageMaker's: Lambda needs no permissions on interfaces, and looks at less",
            "serving",
            "ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterfacePermission ec2:DescribeVpcEndpoints",
        ),
    ),
    "ecs": (
        Behalf(("launch",), _LOGS.actions, _LOGS.source),
        _WRITTEN,
        _said(
            "AWS Managed Policies, AmazonECSInfrastructureRolePolicyForLoadBalancers: rules, and listeners without any",
            "traffic",
            "elasticloadbalancing:ModifyListener elasticloadbalancing:ModifyRule",
        ),
    ),
    "github_actions": (
        _WRITTEN,
        _said(
            "ECR User Guide, IAM permissions for pushing an image: Docker in a job",
            "cijobs",
            "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer "
            "ecr:CompleteLayerUpload ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart",
        ),
    ),
    "step_functions": tuple(one for one in ON_BEHALF if one.speaks_of("pipeline") or one.speaks_of("training")),
}
BY_ENGINE = {**BY_ENGINE, "gitlab_ci": BY_ENGINE["github_actions"]}
"""Engine -> why its roles hold what neither calls nor planned resources tell."""
