"""The options of continuous integration and pipeline delivery on AWS."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, StringConstraints, Tag

from mlops_stacks.blueprint.aws_stages.foundation import BucketName
from mlops_stacks.blueprint.aws_stages.words import Arn, mode_of
from mlops_stacks.blueprint.base import Model
from mlops_stacks.blueprint.stage_options import StageOptions

Repository = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+$")]
Branch = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")]
RepositoryPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")]
Minutes = Annotated[int, Field(ge=5, le=8 * 60)]
LogDays = Literal[7, 30, 90, 180, 365, 731, 1827]


class GitHost(StrEnum):
    """Who keeps the repository."""

    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    GITHUB_ENTERPRISE = "github_enterprise"
    GITLAB_SELF_MANAGED = "gitlab_self_managed"


class CreateConnection(Model):
    """A connection of the platform's own; a person completes its handshake in the console, once."""

    mode: Literal["create"] = "create"
    provider: GitHost = GitHost.GITHUB
    host: Arn | None = None
    """ARN of the host, for `github_enterprise` and `gitlab_self_managed`."""


class AdoptConnection(Model):
    """A connection that exists already."""

    mode: Literal["adopt"]
    arn: Arn


Connection = Annotated[
    Annotated[CreateConnection, Tag("create")] | Annotated[AdoptConnection, Tag("adopt")],
    Discriminator(mode_of),
]


class FromRepository(StageOptions):
    """What works on a repository that is kept outside of AWS."""

    repository: Repository | None = None
    """`owner/name`; default: the one that continuous_integration or pipeline_delivery names, whichever does."""
    branch: Branch | None = None
    """The branch that is built and delivered from; default: the other stage's, else `main`."""
    mlops_stacks: str | None = None
    """Where pip finds mlops-stacks: a version of the index, a URL, or the path of a wheel in the repository; default:
    the version that makes the plan."""


class AwsContinuousIntegration(FromRepository):
    """What CI 1 on AWS builds, and what a commit must pass, whoever runs it."""

    folder: RepositoryPath | None = None
    """Folder of the workload, with its `pyproject.toml`, in the repository; default: the workload's `path`."""
    test_command: Annotated[tuple[str, ...], Field(min_length=1)] = ("python", "-m", "pytest", "-q")
    """Run in that folder."""
    test_requirements: tuple[str, ...] = ("pytest",)
    """What pip installs for the tests besides the workload."""
    smoke: bool = True
    """Whether each model is trained on a small slice with the code of the image."""
    smoke_parameters: dict[str, JsonValue] = {}
    """Parameters that make the data of a smoke model small; they replace the model's own."""
    smoke_buckets: tuple[BucketName, ...] = ()
    """Buckets whose objects smoke models read."""
    scan: Literal["low", "medium", "high", "critical"] = "high"
    """From which severity on a finding in the image ends a build."""
    scan_minutes: Annotated[int, Field(ge=1, le=60)] = 15
    """How long the registry's scan may take."""
    timeout_minutes: Minutes = 60
    """Time limit of each build."""
    dockerfile: RepositoryPath | None = None
    """A Dockerfile of your own in the repository; it is built in the repository's root. Default: a rendered one."""
    base_image: str | None = None
    """What the rendered Dockerfile builds on; default: Python's own image."""
    system_packages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+-]+$")], ...] = ()
    """Debian packages in the image of the rendered Dockerfile."""


class CodePipelineIntegration(AwsContinuousIntegration):
    """CI 1 by CodePipeline and CodeBuild."""

    engine: Literal["codepipeline"] = "codepipeline"
    connection: Connection | None = None
    """How AWS gets at the repository; default: pipeline_delivery's connection, else a new one to GitHub."""
    paths: tuple[str, ...] = ()
    """Patterns of paths (`src/**`) of which one must have changed; default: any, but for lock files."""
    pull_requests: bool = True
    """Whether requests to that branch are tested and built too, with no way to deliver anything."""
    size: Literal["small", "medium", "large"] = "small"
    """Machine of the builds of images and smoke models: 2, 4 or 8 processors."""
    log_days: LogDays = 90
    """How long logs are kept."""


class GitHubActions(AwsContinuousIntegration):
    """CI 1 by GitHub Actions, which act on AWS with tokens instead of keys."""

    engine: Literal["github_actions"] = "github_actions"


class GitLabCi(AwsContinuousIntegration):
    """CI 1 by GitLab, whose jobs act on AWS with tokens instead of keys."""

    engine: Literal["gitlab_ci"] = "gitlab_ci"


class CodePipelineDelivery(FromRepository):
    """Delivery of packages and approved versions by CodePipeline and CodeBuild."""

    engine: Literal["codepipeline"] = "codepipeline"
    connection: Connection | None = None
    """How AWS gets at the repository; default: continuous_integration's connection, else a new one to GitHub."""
    blueprint_path: RepositoryPath = "blueprint.yaml"
    """The blueprint's file in the repository; its locks lie beside it."""
    state_bucket: BucketName | None = None
    """Bucket of Pulumi's state; default: the one that `mlops-stacks bootstrap` tells of."""
    secrets_key: Arn | None = None
    """Key that encrypts the secrets in that state; default: the one that `mlops-stacks bootstrap` tells of."""
    approve_first: bool = False
    """Whether a person is asked before the first environment too; before each of the others one always is."""
    approval_days: Annotated[int, Field(ge=1, le=60)] = 7
    """How long a run waits for an approval."""
    timeout_minutes: Minutes = 120
    """Time limit of each plan and each deployment."""
    log_days: LogDays = 365
    """How long logs are kept."""
