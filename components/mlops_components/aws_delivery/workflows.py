"""CI 1 as files that go into the repository: what GitHub and GitLab read. Their parts are CodeBuild's, line for line.

Sources: GitHub Docs, "Workflow syntax for GitHub Actions"; GitLab Docs, "CI/CD YAML syntax reference".
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, Optional

from typing_extensions import TypedDict

from mlops_components.aws_delivery import commands, pins
from mlops_components.aws_delivery.ci_args import CiGates, CiWorkload, ScanSeverity, workload_of
from mlops_components.aws_delivery.files import rendered

GITHUB_FILE = ".github/workflows/mlops-stacks.yml"
GITLAB_FILE = ".gitlab-ci.yml"


class CiWorkflow(TypedDict):
    """What a workflow is made from; all of it is known before anything is deployed."""

    blueprint: str
    """Name of the blueprint, for people."""
    branch: str
    """The branch that is built."""
    ignored: list[str]
    """Patterns of paths whose change alone starts nothing."""
    region: str
    """Region of the registry and of the bucket."""
    role_arn: str
    """Role that jobs assume."""
    settings: str
    """URI of what CI 1 is told."""
    images: str
    """Repository of images, without a tag."""
    dockerfile: str
    """URI of the rendered Dockerfile, or path of the repository's own."""
    delivery_pipeline: NotRequired[str]
    """Name of the pipeline that is started for each package. Default: none."""


def github_workflow(workflow: CiWorkflow, workload: CiWorkload, gates: CiGates) -> str:
    """Return the workflow of GitHub Actions. On pull requests only the tests run, without any permission on AWS."""
    built = workload_of(workload)
    values = {
        **_common(workflow, workload, gates),
        "image": [*commands.wheels(built), *commands.image(built)],
        "runner": pins.GITHUB_RUNNER,
        "python": pins.PYTHON,
        "project_file": "pyproject.toml" if built.folder == "." else f"{built.folder}/pyproject.toml",
        "actions": {
            "checkout": pins.CHECKOUT.reference,
            "python": pins.SETUP_PYTHON.reference,
            "credentials": pins.AWS_CREDENTIALS.reference,
            "upload": pins.UPLOAD.reference,
            "download": pins.DOWNLOAD.reference,
        },
    }
    return rendered("github.yml.j2", values)


def gitlab_workflow(workflow: CiWorkflow, workload: CiWorkload, gates: CiGates, audience: str) -> str:
    """Return the pipeline of GitLab CI. On merge requests only the tests run, without any permission on AWS."""
    built = workload_of(workload)
    values = {
        **_common(workflow, workload, gates),
        "make_wheels": commands.wheels(built),
        "image": commands.image(built),
        "image_of_jobs": pins.GITLAB_IMAGE,
        "docker": pins.GITLAB_DOCKER,
        "audience": audience,
    }
    return rendered("gitlab.yml.j2", values)


def _common(workflow: CiWorkflow, workload: CiWorkload, gates: CiGates) -> Mapping[str, Any]:
    built = workload_of(workload)
    return {
        "blueprint": workflow["blueprint"],
        "branch": workflow["branch"],
        "ignored": workflow["ignored"],
        "role": workflow["role_arn"],
        "variables": {
            "AWS_REGION": workflow["region"],
            "AWS_DEFAULT_REGION": workflow["region"],
            "SETTINGS": workflow["settings"],
            "REPOSITORY": workflow["images"],
            "DOCKERFILE": workflow["dockerfile"],
        },
        "timeout": gates.get("timeout_minutes", 60),
        "tests": commands.tests(built),
        "smoke": commands.smoke() if gates.get("smoke", True) else [],
        "package": _package(built.platform, gates, workflow.get("delivery_pipeline")),
        "test_report": commands.TEST_REPORT,
        "smoke_report": commands.SMOKE_REPORT,
        "wheels": commands.WHEELS,
    }


def _package(platform: str, gates: CiGates, start: Optional[str]) -> Sequence[str]:
    severity = ScanSeverity(gates.get("scan", ScanSeverity.HIGH)).value
    return [
        commands.install(platform, ("aws-runtime",)),
        *commands.scan(severity, gates.get("scan_minutes", 15)),
        *commands.publish("reports", start),
    ]
