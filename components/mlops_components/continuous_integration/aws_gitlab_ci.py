"""CI 1 by GitLab: a pipeline for the repository, and what it is told. Its role trusts this one branch alone.

The pipeline is a file of the repository, which nobody but its people writes: it is an output here, and
`mlops-stacks render --repository` puts it there. It refuses to know any key of AWS's.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.aws_delivery.ci_args import CiGates, CiPlaces, CiWorkload, keep_documents, packages_uri
from mlops_components.aws_delivery.workflows import GITLAB_FILE, CiWorkflow, gitlab_workflow
from mlops_components.foundation.aws.oidc import AUDIENCE
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags


class GitLabContinuousIntegrationArgs(TypedDict):
    """What CI 1 on GitLab consists of."""

    placement: AwsPlacement
    """Scope, account and region."""
    repository: str
    """`group/name` on GitLab."""
    workflow: CiWorkflow
    """What the pipeline is made from."""
    workload: CiWorkload
    """What is built."""
    places: CiPlaces
    """Where what is made is kept."""
    settings: pulumi.Input[str]
    """The `CiSettings` document, as JSON."""
    gates: NotRequired[CiGates]
    """What a commit must pass."""
    role_arn: pulumi.Input[str]
    """Role that the jobs assume, known once it may do what they do."""


class GitLabContinuousIntegration(pulumi.ComponentResource):
    """CI 1 on GitLab."""

    stage = "continuous_integration"
    platform = "aws"

    repository: pulumi.Output[str]
    """`owner/name` of what one pushes to."""
    branch: pulumi.Output[str]
    """The branch that is built."""
    packages: pulumi.Output[str]
    """Where each package has a folder; an `s3://` URI without a final slash."""
    role_arn: pulumi.Output[str]
    """The role of the jobs."""
    files: pulumi.Output[dict[str, str]]
    """Path in the repository -> content."""

    def __init__(
        self,
        name: str,
        args: GitLabContinuousIntegrationArgs,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        args = checked(args, GitLabContinuousIntegrationArgs, "GitLabContinuousIntegration")
        super().__init__("mlops-stacks:index:GitLabContinuousIntegration", name, {**args}, opts)
        tags = aws_tags(args["placement"], self.stage)
        keep_documents(name, self, args["places"], args["workload"], args["settings"], tags)
        text = gitlab_workflow(args["workflow"], args["workload"], args.get("gates") or {}, AUDIENCE)
        self.repository = pulumi.Output.from_input(args["repository"])
        self.branch = pulumi.Output.from_input(args["workflow"]["branch"])
        self.packages = packages_uri(args["places"]["bucket"])
        self.role_arn = pulumi.Output.from_input(args["role_arn"])
        self.files = pulumi.Output.from_input({GITLAB_FILE: text})
        self.register_outputs({output: getattr(self, output) for output in GitLabContinuousIntegration.__annotations__})
