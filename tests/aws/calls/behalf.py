"""What services do with our roles, which no code of ours is ever recorded doing: each with the page that says so.

Roles are named by scope-less purpose; a purpose may end with `*`. An entry that no policy needs any more is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from call_policies import Permission


@dataclass(frozen=True)
class Behalf:
    """Actions that a service takes as a role."""

    purposes: tuple[str, ...]
    actions: tuple[str, ...]
    source: str

    def covers(self, purpose: str, permission: Permission) -> bool:
        """Whether this is why a role has a permission."""
        return any(fnmatchcase(purpose, one) for one in self.purposes) and permission.action in self.actions


def _said(source: str, purposes: str, actions: str) -> Behalf:
    return Behalf(tuple(purposes.split()), tuple(actions.split()), source)


_JOBS = "training serving monitor baseline"
ON_BEHALF: Sequence[Behalf] = (
    _said(
        "SageMaker Developer Guide, SageMaker roles: execution role permissions of CreateProcessingJob and "
        "CreateTrainingJob, and of CreateModel: logs, measures, and the image",
        _JOBS,
        "logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents cloudwatch:PutMetricData "
        "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer",
    ),
    _said(
        "SageMaker Developer Guide, SageMaker roles, with a VPC: what CreateModel, CreateProcessingJob and "
        "CreateTrainingJob need besides",
        _JOBS,
        "ec2:CreateNetworkInterface ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterface "
        "ec2:DeleteNetworkInterfacePermission ec2:DescribeNetworkInterfaces ec2:DescribeVpcs ec2:DescribeDhcpOptions "
        "ec2:DescribeSubnets ec2:DescribeSecurityGroups ec2:DescribeVpcEndpoints",
    ),
    _said(
        "SageMaker Developer Guide, SageMaker roles, with a KMS key for volumes and output: CreateGrant and the use of "
        "the key; KMS Developer Guide, Using grants with AWS services",
        f"{_JOBS} pipeline studio-*",
        "kms:CreateGrant kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey "
        "kms:GenerateDataKeyWithoutPlaintext",
    ),
    _said(
        "SageMaker Developer Guide, SageMaker roles: input, output and model data of jobs, endpoints and monitors",
        f"{_JOBS} counter",
        "s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket s3:AbortMultipartUpload s3:GetBucketLocation "
        "kms:Decrypt kms:GenerateDataKey",
    ),
    _said(
        "SageMaker Developer Guide, Define a pipeline: a pipeline's role starts, follows and stops jobs, hands them "
        "their role, and reads what conditions compare",
        "pipeline baseline",
        "sagemaker:CreateProcessingJob sagemaker:DescribeProcessingJob sagemaker:StopProcessingJob "
        "sagemaker:CreateTrainingJob sagemaker:DescribeTrainingJob sagemaker:StopTrainingJob sagemaker:AddTags "
        "iam:PassRole s3:GetObject s3:ListBucket kms:Decrypt",
    ),
    _said(
        "SageMaker Developer Guide, Managed MLflow, Set up IAM permissions: the service role of the artifact store",
        "tracking",
        "s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket s3:AbortMultipartUpload "
        "kms:Decrypt kms:GenerateDataKey",
    ),
    _said(
        "sagemaker-mlflow signs MLflow's own requests, which botocore never sees: Service Authorization Reference, "
        "Amazon SageMaker with MLflow; the files of runs are read and written by MLflow's client",
        "training",
        "sagemaker:CallMlflowAppApi sagemaker:DescribeMlflowApp",
    ),
    _said(
        "AWS Managed Policies, AmazonSageMakerFeatureStoreAccess: how the offline store is written",
        "features",
        "s3:PutObject s3:PutObjectAcl s3:GetBucketAcl kms:Decrypt kms:GenerateDataKey",
    ),
    _said(
        "EventBridge User Guide, targets SageMaker pipeline, Step Functions and CodePipeline; Scheduler User Guide, "
        "Templated and Universal targets",
        "start batch watching cdevents",
        "sagemaker:StartPipelineExecution sagemaker:CreateTransformJob states:StartExecution "
        "codepipeline:StartPipelineExecution",
    ),
    _said(
        "Step Functions Developer Guide, AWS SDK service integrations: a state's call is the state machine's role's",
        "retraining counter",
        "cloudwatch:DescribeAlarms cloudwatch:PutMetricData sagemaker:ListPipelineExecutions "
        "sagemaker:StartPipelineExecution s3:GetObject s3:ListBucket kms:Decrypt",
    ),
    _said(
        "SageMaker Developer Guide, Auto-Rollback Configuration: the alarms are looked at as the model's role",
        "serving",
        "cloudwatch:DescribeAlarms",
    ),
    _said(
        "CodePipeline User Guide, Manage the CodePipeline service role: builds, connection, artifacts, the topic of "
        "manual approvals under our key (SNS Developer Guide, Key management)",
        "ci cd",
        "codebuild:BatchGetBuilds codebuild:StartBuild codeconnections:UseConnection s3:GetObject s3:PutObject "
        "s3:DeleteObject s3:ListBucket s3:AbortMultipartUpload kms:Decrypt kms:GenerateDataKey sns:Publish",
    ),
    _said(
        "CodeBuild User Guide, Allow CodeBuild to interact with other AWS services: logs, reports, the source by its "
        "connection, and artifacts in and out",
        "citest ciimage ciscan cismoke cipublish cipull cdplan cdup*",
        "logs:CreateLogStream logs:PutLogEvents codebuild:BatchPutTestCases codebuild:CreateReport "
        "codebuild:UpdateReport codeconnections:UseConnection s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket "
        "s3:AbortMultipartUpload kms:Decrypt kms:GenerateDataKey",
    ),
    _said(
        "ECR User Guide, IAM permissions for pushing and for pulling an image: Docker in a build",
        "ciimage cismoke",
        "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer "
        "ecr:CompleteLayerUpload ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart",
    ),
    _said(
        "Pulumi, Managing state and backends: state in S3 and its secrets' key; the deployer's role is the provider's",
        "cdplan cdup*",
        "s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket s3:GetBucketLocation kms:Encrypt kms:Decrypt "
        "sts:AssumeRole",
    ),
    _said(
        "SageMaker Developer Guide, Studio: Configure access to spaces and apps; people in notebooks and the console "
        "do with their own role what no program of ours does",
        "studio studio-* open-* team_*",
        "sagemaker:AddTags sagemaker:CreateApp sagemaker:CreateSpace sagemaker:DeleteApp sagemaker:DeleteSpace "
        "sagemaker:UpdateSpace sagemaker:DescribeApp sagemaker:DescribeSpace sagemaker:DescribeDomain "
        "sagemaker:DescribeUserProfile sagemaker:CreatePresignedDomainUrl sagemaker:ListApps sagemaker:ListDomains "
        "sagemaker:ListSpaces sagemaker:ListUserProfiles logs:CreateLogGroup logs:CreateLogStream "
        "logs:DescribeLogStreams logs:PutLogEvents sagemaker:DescribePipeline sagemaker:StartPipelineExecution "
        "sagemaker:ListPipelineExecutions sagemaker:DescribePipelineExecution sagemaker:ListPipelineExecutionSteps "
        "sagemaker:CallMlflowAppApi sagemaker:DescribeMlflowApp sagemaker:CreatePresignedMlflowAppUrl "
        "sagemaker:DescribeEndpoint sagemaker:DescribeEndpointConfig cloudwatch:DescribeAlarms cloudwatch:GetDashboard "
        "cloudwatch:GetMetricData cloudwatch:ListMetrics codepipeline:GetPipelineState codepipeline:PutApprovalResult "
        "s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket s3:AbortMultipartUpload kms:CreateGrant kms:Decrypt "
        "kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext "
        "sagemaker:DescribeModelPackage sagemaker:ListModelPackages sagemaker:DescribeModelPackageGroup "
        "sagemaker:DescribeFeatureGroup sagemaker:GetRecord",
    ),
)
"""Every permission that is there for a service, or for a person."""
