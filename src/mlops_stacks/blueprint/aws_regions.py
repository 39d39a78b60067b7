"""Which regions AWS has, and what is not in all of them. Data only.

Read on 2026-11-21 from botocore 1.43.117 (`data/endpoints.json`); `tests/aws/foundation` compares the two, so that a
newer botocore says what to change here. CodeConnections stands there under its former name, CodeStar Connections.
"""

from __future__ import annotations

from collections.abc import Mapping

SOURCE = "botocore 1.43.117, read on 2026-11-21"

REGIONS: frozenset[str] = frozenset(
    {
        "af-south-1",
        "ap-east-1",
        "ap-east-2",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-south-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-central-1",
        "ca-west-1",
        "eu-central-1",
        "eu-central-2",
        "eu-north-1",
        "eu-south-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "mx-central-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "cn-north-1",
        "cn-northwest-1",
        "us-gov-east-1",
        "us-gov-west-1",
    }
)
"""Of the partitions aws, aws-cn and aws-us-gov."""

MISSING: Mapping[str, frozenset[str]] = {
    "codebuild": frozenset({"ap-east-2", "ca-west-1", "mx-central-1"}),
    "codepipeline": frozenset({"ap-east-2", "ap-southeast-7", "ca-west-1", "mx-central-1"}),
    "codestar-connections": frozenset(
        {
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-3",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
        }
    ),
}
"""Service -> regions in which it is not."""

PARTITIONS_WITHOUT_BUDGETS = ("us-gov-",)
"""What the names of regions begin with whose partition has no Budgets, a service without regions of its own."""

EVERYWHERE = frozenset(
    {
        "api.ecr",
        "api.sagemaker",
        "application-autoscaling",
        "athena",
        "cloudtrail",
        "codedeploy",
        "ecs",
        "elasticloadbalancing",
        "events",
        "glue",
        "kms",
        "lambda",
        "monitoring",
        "runtime.sagemaker",
        "scheduler",
        "secretsmanager",
        "sns",
        "states",
    }
)
"""Services that are in every one of these regions, so that nothing has to be asked."""

TITLES = {
    "codebuild": "CodeBuild",
    "codepipeline": "CodePipeline",
    "codestar-connections": "CodeConnections",
}
