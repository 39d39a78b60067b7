"""What the resources of delivery are called. Every name is known before deployment, so that files may refer to it."""

from collections.abc import Sequence

from mlops_components.naming import IAM_ROLE, NameRule, physical_name
from mlops_components.placement import AwsPlacement, aws_partition

# CodeBuild API: `[A-Za-z0-9][A-Za-z0-9\-_]{1,254}`; CodePipeline API: `[A-Za-z0-9.@\-_]+`, at most 100 characters.
CODEBUILD = NameRule(limit=255, minimum=2, extra="_")
REPORT_GROUP = NameRule(limit=128, minimum=2, extra="_")
CODEPIPELINE = NameRule(limit=100, extra="_")
# CodeConnections API: at most 32 characters.
CONNECTION = NameRule(limit=32)
# EventBridge API: `[\.\-_A-Za-z0-9]+`, at most 64 characters.
EVENT_RULE = NameRule(limit=64, extra="_")

PACKAGE_FOLDER = "packages"
"""Folder of the shared bucket in which each pipeline package has a folder."""
SETTINGS_FOLDER = "ci"
"""Folder of the shared bucket with what a build is told."""
RUN_FOLDER = "codepipeline"
"""Prefix under which CodePipeline itself keeps what its actions hand on."""


def name_of(placement: AwsPlacement, purpose: str, rule: NameRule) -> str:
    """Return the name of what serves one purpose."""
    return physical_name((placement["blueprint"], placement["scope"], purpose), rule)


def arn_of(placement: AwsPlacement, service: str, resource: str) -> str:
    """Return the ARN of a resource whose name is known."""
    where = f"{placement['region']}:{placement['account_id']}"
    return f"arn:{aws_partition(placement['region'])}:{service}:{where}:{resource}"


def role_arn(placement: AwsPlacement, purpose: str) -> str:
    """Return the ARN of the role that an identity of this purpose makes."""
    partition, account = aws_partition(placement["region"]), placement["account_id"]
    return f"arn:{partition}:iam::{account}:role/{name_of(placement, purpose, IAM_ROLE)}"


def project_arn(placement: AwsPlacement, purpose: str) -> str:
    """Return the ARN of a CodeBuild project."""
    return arn_of(placement, "codebuild", f"project/{name_of(placement, purpose, CODEBUILD)}")


def pipeline_arn(placement: AwsPlacement, purpose: str) -> str:
    """Return the ARN of a pipeline."""
    return arn_of(placement, "codepipeline", name_of(placement, purpose, CODEPIPELINE))


def report_group_arn(placement: AwsPlacement, purpose: str) -> str:
    """Return the ARN of a group of test reports."""
    return arn_of(placement, "codebuild", f"report-group/{name_of(placement, purpose, REPORT_GROUP)}")


def log_group(placement: AwsPlacement, purpose: str) -> str:
    """Return the name of the log group of a project."""
    return f"/aws/codebuild/{name_of(placement, purpose, CODEBUILD)}"


def log_arns(placement: AwsPlacement, purposes: Sequence[str]) -> list[str]:
    """Return the ARNs under which the streams of log groups are written."""
    return [arn_of(placement, "logs", f"log-group:{log_group(placement, one)}:*") for one in purposes]
