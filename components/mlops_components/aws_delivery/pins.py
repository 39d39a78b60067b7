"""Every foreign version that a build names, in one table: what is not here is not downloaded by a build of ours."""

from dataclasses import dataclass

PYTHON = "3.11"
"""Of the builds and of the image: a wheel that is made in one must fit the other."""
BUILD_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
"""CodeBuild's own image; it has Docker, git, the AWS CLI and Python 3.11."""
BASE_IMAGE = "public.ecr.aws/docker/library/python:3.11.13-slim-bookworm"
"""What the workload's image is built on; from a registry that asks builds for no login."""
GITLAB_IMAGE = "python:3.11.13-slim-bookworm"
"""What jobs without Docker run in on GitLab."""
GITLAB_DOCKER = "28.3.3"
"""Version of Docker in Docker on GitLab."""
GITHUB_RUNNER = "ubuntu-24.04"
PULUMI = "3.272.0"
"""Of the Pulumi CLI; the same as the SDK that the plans are made with."""
PULUMI_ARCHIVE = f"pulumi-v{PULUMI}-linux-x64.tar.gz"
"""For the processor of `BUILD_IMAGE`."""
PULUMI_ARCHIVES = f"https://github.com/pulumi/pulumi/releases/download/v{PULUMI}"
PULUMI_SUMS = f"https://get.pulumi.com/releases/sdk/pulumi-{PULUMI}-checksums.txt"
"""SHA-256 of each archive of the release, from its makers' own host: not the one that the archive comes from."""


@dataclass(frozen=True)
class Action:
    """An action of GitHub, by the commit that its version is: a tag could be moved."""

    name: str
    commit: str
    version: str

    @property
    def reference(self) -> str:
        """What stands behind `uses:`."""
        return f"{self.name}@{self.commit} # {self.version}"


CHECKOUT = Action("actions/checkout", "11bd71901bbe5b1630ceea73d27597364c9af683", "v4.2.2")
SETUP_PYTHON = Action("actions/setup-python", "a26af69be951a213d495a4c3e4e4022e16d87065", "v5.6.0")
AWS_CREDENTIALS = Action("aws-actions/configure-aws-credentials", "b47578312673ae6fa5b5096b330d9fbac3d116df", "v4.2.1")
UPLOAD = Action("actions/upload-artifact", "ea165f8d65b6e75b540449e92b4886f43607fa02", "v4.6.2")
DOWNLOAD = Action("actions/download-artifact", "d3f86a106a0bac45b974a628896c90dbdf5c8093", "v4.3.0")
