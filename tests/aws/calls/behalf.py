"""What services and people do with our roles that neither our code is recorded doing nor a planned resource tells.

Each entry names the page that says so, and counts both ways: no role may hold more than is recorded, handed over
(`hand_overs`) or said here; and each role that an entry names must hold every action that it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from call_policies import Permission


@dataclass(frozen=True)
class Behalf:
    """Actions that a service, or a person, takes as a role."""

    purposes: tuple[str, ...]
    """Names of roles without blueprint and scope; one may end with `*`."""
    actions: tuple[str, ...]
    source: str

    def speaks_of(self, purpose: str) -> bool:
        """Whether a role is meant."""
        return any(fnmatchcase(purpose, one) for one in self.purposes)

    def covers(self, purpose: str, permission: Permission) -> bool:
        """Whether this is why a role has a permission."""
        return self.speaks_of(purpose) and permission.action in self.actions


def _said(source: str, purposes: str, actions: str) -> Behalf:
    return Behalf(tuple(purposes.split()), tuple(actions.split()), source)


_BUILDS = "citest ciimage ciscan cismoke cipublish cdplan cdup*"
_KEY_USE = "kms:Decrypt kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext"
ON_BEHALF: Sequence[Behalf] = (
    _said(
        "AWS Managed Policies, AmazonSageMakerFullAccess: what SageMaker looks at besides, with a VPC",
        "training serving monitor baseline",
        "ec2:DescribeVpcEndpoints",
    ),
    _said(
        "KMS Developer Guide, How Amazon EBS uses KMS, and Using grants: a grant gives on only what its maker may do",
        "training serving monitor baseline pipeline studio-*",
        _KEY_USE,
    ),
    _said(
        "CloudWatch Logs User Guide, IAM: Amazon Resource Names: a group is named with and without its streams",
        "monitor baseline studio studio-*",
        "logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents",
    ),
    _said(
        "S3 User Guide, Multipart upload: who writes large files must be able to break off, and to write anew",
        "training serving monitor baseline tracking ci cd citest ciimage cismoke ciscan cipublish cdplan cdup* "
        "studio-* team_data_science",
        "s3:AbortMultipartUpload",
    ),
    _said(
        "SageMaker Developer Guide, execution roles: GetObject, PutObject and DeleteObject on inputs and outputs, "
        "and ListBucket on their buckets",
        "training serving",
        "s3:DeleteObject s3:GetObject s3:PutObject s3:ListBucket kms:Decrypt",
    ),
    _said(
        "The same: a monitor writes its reports anew",
        "monitor baseline",
        "s3:DeleteObject",
    ),
    _said(
        "SageMaker Developer Guide, Deploy a model version from a different account: files in the other's bucket",
        "serving baseline",
        "s3:GetBucketLocation s3:GetObject s3:ListBucket kms:Decrypt",
    ),
    _said(
        "SageMaker Developer Guide, Define a pipeline, Condition step: what JsonGet compares is looked for there",
        "pipeline",
        "s3:ListBucket",
    ),
    _said(
        "sagemaker-mlflow signs MLflow's own requests, which botocore never sees: Service Authorization Reference, "
        "Amazon SageMaker with MLflow",
        "training studio-* team_*",
        "sagemaker:CallMlflowAppApi sagemaker:DescribeMlflowApp",
    ),
    _said(
        "S3 User Guide, Protecting data with SSE-KMS: parts of an upload are decrypted once it is complete, and "
        "objects when they are read",
        "features counter",
        "kms:Decrypt",
    ),
    _said(
        "SageMaker Developer Guide, Auto-Rollback Configuration: the alarms of a second variant, should one come",
        "serving",
        "cloudwatch:DescribeAlarms",
    ),
    _said(
        "CodePipeline and CodeBuild User Guides, service roles: artifacts and caches are listed, and written anew",
        f"ci cd {_BUILDS}",
        "s3:ListBucket s3:DeleteObject",
    ),
    _said(
        "CodeBuild User Guide, service role: what a pull request's build reads",
        "cipull",
        "s3:ListBucket",
    ),
    _said(
        "CodeBuild User Guide, service role: PutObject of artifacts, under the bucket's key",
        "ciscan cipublish cdup*",
        "s3:PutObject kms:GenerateDataKey",
    ),
    _said(
        "ECR User Guide, IAM permissions for pulling an image: Docker in a build",
        "ciimage cismoke",
        "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer",
    ),
    _said(
        "ECR User Guide, IAM permissions for pushing an image: Docker in a build",
        "ciimage",
        "ecr:CompleteLayerUpload ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart",
    ),
    _said(
        "Pulumi, Managing state and backends: state in S3 and its secrets' key",
        "cdplan cdup*",
        "s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket s3:GetBucketLocation kms:Encrypt kms:Decrypt",
    ),
    _said("Pulumi, AWS provider, assumeRoles: the deployer's role is the provider's", "cdup*", "sts:AssumeRole"),
    _said(
        "AWS Managed Policies, AmazonSageMakerFullAccess, AllowStudioActions: to open one's own profile",
        "open-* studio-*",
        "sagemaker:CreatePresignedDomainUrl sagemaker:DescribeDomain sagemaker:DescribeUserProfile",
    ),
    _said(
        "The same, AllowStudioActions: to see apps and spaces",
        "studio-*",
        "sagemaker:DescribeApp sagemaker:DescribeSpace sagemaker:ListApps sagemaker:ListDomains sagemaker:ListSpaces "
        "sagemaker:ListUserProfiles",
    ),
    _said(
        "The same, the statements on private spaces, their apps, and the tags of both",
        "studio-*",
        "sagemaker:CreateApp sagemaker:DeleteApp sagemaker:CreateSpace sagemaker:DeleteSpace sagemaker:UpdateSpace "
        "sagemaker:AddTags",
    ),
    _said(
        "SageMaker Developer Guide, View a pipeline and View a pipeline execution, in Studio and the console",
        "studio-* team_*",
        "sagemaker:DescribePipeline sagemaker:ListPipelineExecutions sagemaker:DescribePipelineExecution "
        "sagemaker:ListPipelineExecutionSteps",
    ),
    _said(
        "SageMaker Developer Guide, Run a pipeline: a contributor starts trainings",
        "studio-* team_data_science",
        "sagemaker:StartPipelineExecution",
    ),
    _said(
        "SageMaker Developer Guide, Model Registry, View model groups and versions: versions with their group",
        "studio-* team_data_science",
        "sagemaker:DescribeModelPackage sagemaker:DescribeModelPackageGroup",
    ),
    _said(
        "The same: the versions of a group",
        "team_*",
        "sagemaker:DescribeModelPackage sagemaker:ListModelPackages",
    ),
    _said(
        "SageMaker Developer Guide, Feature Store: a group's description, its online rows",
        "studio-* team_data_science",
        "sagemaker:DescribeFeatureGroup sagemaker:GetRecord",
    ),
    _said(
        "S3 User Guide, Actions for object operations, and SSE-KMS: data, history and a folder of one's own",
        "studio-* team_data_science",
        f"s3:GetObject s3:PutObject s3:DeleteObject s3:ListBucket {_KEY_USE}",
    ),
    _said(
        "SageMaker Developer Guide, execution roles, CreateDomain with a key: volumes of spaces",
        "studio-* team_data_science",
        "kms:CreateGrant kms:DescribeKey",
    ),
    _said(
        "SageMaker Developer Guide, Launch the MLflow UI using a presigned URL",
        "team_*",
        "sagemaker:CreatePresignedMlflowAppUrl",
    ),
    _said(
        "CloudWatch User Guide, Permissions required to use the console: alarms, a dashboard and its measures",
        "team_*",
        "cloudwatch:DescribeAlarms cloudwatch:GetDashboard cloudwatch:GetMetricData cloudwatch:ListMetrics",
    ),
    _said(
        "SageMaker Developer Guide, Define a pipeline, Tuning step: its best trial is looked up for the steps after it",
        "pipeline",
        "sagemaker:DescribeTrainingJob",
    ),
    _said(
        "SageMaker Developer Guide, Clarify processing jobs: an analysis asks the endpoint that it is told of",
        "monitor baseline",
        "sagemaker:DescribeEndpoint sagemaker:InvokeEndpoint",
    ),
    _said(
        "SageMaker API Reference, DescribeEndpoint and DescribeEndpointConfig: what serves",
        "team_*",
        "sagemaker:DescribeEndpoint sagemaker:DescribeEndpointConfig",
    ),
    _said(
        "CodePipeline User Guide, Grant approval permissions to an IAM user",
        "team_risk",
        "codepipeline:GetPipelineState codepipeline:PutApprovalResult",
    ),
)
"""Every permission that is there for a service, or for a person."""
