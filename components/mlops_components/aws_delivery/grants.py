"""What builds and pipelines may do with what delivery itself makes, as data, before any of it exists.

Sources: Service Authorization Reference (CodeBuild, CodePipeline, CodeConnections, ECR), and the CodeBuild User Guide,
"Test report permissions" and "Pass role permissions".
"""

from collections.abc import Sequence

import pulumi

from mlops_components.aws_delivery.names import log_arns, pipeline_arn, project_arn, report_group_arn
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.placement import AwsPlacement


def grant_logs(placement: AwsPlacement, purposes: Sequence[str]) -> list[AwsGrant]:
    """Permission to write the log of builds."""
    return [aws_grant(["logs:CreateLogStream", "logs:PutLogEvents"], log_arns(placement, purposes))]


def grant_reports(placement: AwsPlacement, purpose: str) -> list[AwsGrant]:
    """Permission to write test reports."""
    actions = ["codebuild:BatchPutTestCases", "codebuild:CreateReport", "codebuild:UpdateReport"]
    return [aws_grant(actions, [report_group_arn(placement, purpose)])]


def grant_builds(placement: AwsPlacement, purposes: Sequence[str]) -> list[AwsGrant]:
    """Permission to start builds and to look how they ended."""
    arns = [project_arn(placement, one) for one in purposes]
    return [aws_grant(["codebuild:BatchGetBuilds", "codebuild:StartBuild"], arns)]


def grant_repository(connection: pulumi.Input[str], repository: str) -> list[AwsGrant]:
    """Permission to use a connection, for one repository of all that it leads to."""
    only = {"StringEquals": {"codeconnections:FullRepositoryId": [repository]}}
    return [aws_grant(["codeconnections:UseConnection"], [connection], only)]


def grant_start(placement: AwsPlacement, pipeline: str) -> list[AwsGrant]:
    """Permission to start a pipeline."""
    return [aws_grant(["codepipeline:StartPipelineExecution"], [pipeline_arn(placement, pipeline)])]


def grant_approvals_read(placement: AwsPlacement, pipeline: str) -> list[AwsGrant]:
    """Permission to look who approved a run of a pipeline."""
    return [aws_grant(["codepipeline:ListActionExecutions"], [pipeline_arn(placement, pipeline)])]


def grant_findings(repository: pulumi.Input[str]) -> list[AwsGrant]:
    """Permission to read what a scan found in an image."""
    return [aws_grant(["ecr:DescribeImageScanFindings"], [repository])]


def grant_assume(roles: Sequence[str]) -> list[AwsGrant]:
    """Permission to act as other roles, which must trust whoever has this grant."""
    return [aws_grant(["sts:AssumeRole"], sorted(set(roles)))] if roles else []
