"""CodeBuild projects: a role, a buildspec, a log that ends, and nothing that outlives the build but its cache."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Optional

import pulumi
import pulumi_aws as aws

from mlops_components.aws_delivery.names import CODEBUILD, log_group, name_of
from mlops_components.aws_delivery.pins import BUILD_IMAGE
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags


class BuildSize(StrEnum):
    """Machine of a build: 2, 4 or 8 virtual processors with 4, 8 or 16 GiB (CodeBuild User Guide, compute types)."""

    SMALL = "BUILD_GENERAL1_SMALL"
    MEDIUM = "BUILD_GENERAL1_MEDIUM"
    LARGE = "BUILD_GENERAL1_LARGE"


@dataclass(frozen=True)
class BuildPlace:
    """What all projects of a stage have in common."""

    name: str
    parent: pulumi.Resource
    placement: AwsPlacement
    stage: str
    key_arn: Optional[pulumi.Input[str]]
    """The key of the bucket through which actions hand on files; None: the service's own."""
    log_days: int


@dataclass(frozen=True)
class Build:
    """One project."""

    purpose: str
    """Last part of its name."""
    what: str
    """What it does, for people."""
    role_arn: pulumi.Input[str]
    buildspec: pulumi.Input[str]
    timeout_minutes: int
    size: BuildSize = BuildSize.SMALL
    docker: bool = False
    """Whether it starts Docker, which takes the privileged mode."""
    variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


# Without a bucket: a cache is there to save time, and a build that finds none is only slower.
_CACHES = ("LOCAL_CUSTOM_CACHE", "LOCAL_SOURCE_CACHE")
_DOCKER_CACHE = "LOCAL_DOCKER_LAYER_CACHE"


def build_project(place: BuildPlace, build: Build) -> aws.codebuild.Project:
    """Register a project that a pipeline starts, and its log."""
    child = pulumi.ResourceOptions(parent=place.parent)
    logs = aws.cloudwatch.LogGroup(
        f"{place.name}-{build.purpose}-logs",
        name=log_group(place.placement, build.purpose),
        retention_in_days=place.log_days,
        tags=aws_tags(place.placement, place.stage),
        opts=child,
    )
    return aws.codebuild.Project(
        f"{place.name}-{build.purpose}",
        name=name_of(place.placement, build.purpose, CODEBUILD),
        description=build.what,
        service_role=build.role_arn,
        source=aws.codebuild.ProjectSourceArgs(type="CODEPIPELINE", buildspec=build.buildspec),
        artifacts=aws.codebuild.ProjectArtifactsArgs(type="CODEPIPELINE"),
        environment=aws.codebuild.ProjectEnvironmentArgs(
            type="LINUX_CONTAINER",
            image=BUILD_IMAGE,
            image_pull_credentials_type="CODEBUILD",
            compute_type=build.size.value,
            privileged_mode=build.docker,
            environment_variables=[
                aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(name=key, value=value, type="PLAINTEXT")
                for key, value in sorted(build.variables.items())
            ],
        ),
        cache=aws.codebuild.ProjectCacheArgs(
            type="LOCAL", modes=[*_CACHES, _DOCKER_CACHE] if build.docker else list(_CACHES)
        ),
        logs_config=aws.codebuild.ProjectLogsConfigArgs(
            cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(status="ENABLED", group_name=logs.name)
        ),
        encryption_key=place.key_arn,
        build_timeout=build.timeout_minutes,
        queued_timeout=60,
        tags=aws_tags(place.placement, place.stage),
        opts=child,
    )
