"""What CI 1 on AWS is told, whoever runs it: CodePipeline, GitHub or GitLab."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.aws_delivery.commands import Workload
from mlops_components.aws_delivery.files import dockerfile
from mlops_components.aws_delivery.names import PACKAGE_FOLDER, SETTINGS_FOLDER

# Without a hash, since files in the repository refer to them: the bucket keeps earlier versions.
SETTINGS_KEY = f"{SETTINGS_FOLDER}/settings.json"
DOCKERFILE_KEY = f"{SETTINGS_FOLDER}/Dockerfile"


class ScanSeverity(StrEnum):
    """From which severity on a finding in the image ends a build."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class CiWorkload(TypedDict):
    """What is built."""

    folder: str
    """Folder of the workload's project in the repository; `.` is the repository itself."""
    platform: str
    """Where pip finds mlops-stacks: a version of the index, a URL, or the path of a wheel in the repository."""
    extras: NotRequired[list[str]]
    """Parts of mlops-stacks in the image; default `aws-runtime`."""
    test_command: list[str]
    """Run in the workload's folder."""
    test_requirements: NotRequired[list[str]]
    """What pip installs for the tests besides the workload. Default: nothing."""
    dockerfile: NotRequired[str]
    """Path of a Dockerfile of your own in the repository; default: a rendered one."""
    base_image: NotRequired[str]
    """What the rendered Dockerfile builds on; default: Python's own image."""
    system_packages: NotRequired[list[str]]
    """Debian packages in the image. Default: none."""


class CiPlaces(TypedDict):
    """Where CI 1 keeps what it makes."""

    bucket: pulumi.Input[str]
    """The shared bucket, for packages and for what builds are told."""
    images: pulumi.Input[str]
    """Repository of images, without a tag."""
    key_arn: NotRequired[pulumi.Input[str]]
    """Key of the bucket; default: the service's own."""


class CiGates(TypedDict):
    """What a commit must pass."""

    smoke: NotRequired[bool]
    """Whether each model is trained on a small slice, with the code of the image; default true."""
    scan: NotRequired[ScanSeverity]
    """From which severity on a finding in the image ends a build; default `high`."""
    scan_minutes: NotRequired[int]
    """How long the scan may take; default 15."""
    timeout_minutes: NotRequired[int]
    """Time limit of each build; default 60."""


def workload_of(args: CiWorkload) -> Workload:
    """Return what the commands are made from."""
    return Workload(
        folder=args["folder"],
        platform=args["platform"],
        extras=tuple(args.get("extras") or ("aws-runtime",)),
        test_command=tuple(args["test_command"]),
        test_requirements=tuple(args.get("test_requirements") or ()),
        own_dockerfile="dockerfile" in args,
    )


def packages_uri(bucket: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return where pipeline packages are kept."""
    return pulumi.Output.from_input(bucket).apply(lambda name: f"s3://{name}/{PACKAGE_FOLDER}")


def keep_documents(
    name: str,
    parent: pulumi.Resource,
    places: CiPlaces,
    workload: CiWorkload,
    settings: pulumi.Input[str],
    tags: Mapping[str, str],
) -> dict[str, pulumi.Input[str]]:
    """Put into the bucket what builds are told; return the variables that lead there."""
    keep: dict[str, Any] = {"bucket": places["bucket"], "tags": dict(tags)}
    if "key_arn" in places:
        keep |= {"server_side_encryption": "aws:kms", "kms_key_id": places["key_arn"]}
    told = aws.s3.BucketObjectv2(
        f"{name}-settings",
        key=SETTINGS_KEY,
        content=settings,
        content_type="application/json",
        opts=pulumi.ResourceOptions(parent=parent),
        **keep,
    )
    own = workload.get("dockerfile")
    return {
        "SETTINGS": pulumi.Output.concat("s3://", places["bucket"], "/", told.key),
        "REPOSITORY": places["images"],
        "DOCKERFILE": own if own is not None else _keep_dockerfile(name, parent, workload, keep),
    }


def _keep_dockerfile(
    name: str, parent: pulumi.Resource, workload: CiWorkload, keep: dict[str, Any]
) -> pulumi.Output[str]:
    base: Optional[str] = workload.get("base_image")
    text = dockerfile(base, workload.get("system_packages") or [])
    file = aws.s3.BucketObjectv2(
        f"{name}-dockerfile",
        key=DOCKERFILE_KEY,
        content=text,
        content_type="text/plain",
        opts=pulumi.ResourceOptions(parent=parent),
        **keep,
    )
    return pulumi.Output.concat("s3://", keep["bucket"], "/", file.key)
