"""Buildspecs as JSON, which is YAML to CodeBuild. Source: CodeBuild User Guide, "Build specification reference"."""

import json
from collections.abc import Sequence
from typing import Any, Optional

from mlops_components.aws_delivery import commands
from mlops_components.aws_delivery.commands import SMOKE_REPORT, TEST_REPORT, WHEELS, Workload
from mlops_components.aws_delivery.pins import PYTHON

_CACHE = ["/root/.cache/pip/**/*"]


def test_buildspec(workload: Workload, report_group: str) -> str:
    """Return the buildspec of the tests, whose report goes to a report group (its ARN) and on to the package."""
    return _buildspec(
        commands.tests(workload),
        reports={report_group: {"files": [TEST_REPORT], "file-format": "JUNITXML"}},
        artifacts={"files": [TEST_REPORT]},
    )


def image_buildspec(workload: Workload) -> str:
    """Return the buildspec that makes wheel and image; it exports IMAGE and hands on the wheel."""
    # Tags never move, so that a second build of the same commit needs another one.
    tag = 'export TAG="$COMMIT-$CODEBUILD_BUILD_NUMBER"'
    return _buildspec(
        [tag, *commands.wheels(workload), *commands.image(workload)],
        exported=["IMAGE"],
        artifacts={"files": [f"{WHEELS}/*"]},
    )


def pull_buildspec(workload: Workload, report_group: str) -> str:
    """Return the buildspec of a pull request: tests and an image that stays in the build. It hands nothing on."""
    tag = 'export TAG="$COMMIT"'
    return _buildspec(
        [*commands.tests(workload), tag, *commands.wheels(workload), *commands.try_image(workload)],
        reports={report_group: {"files": [TEST_REPORT], "file-format": "JUNITXML"}},
    )


def smoke_buildspec() -> str:
    """Return the buildspec that tries the image."""
    return _buildspec(commands.smoke(), artifacts={"files": [SMOKE_REPORT], "base-directory": "smoke"})


def scan_buildspec(platform: str, severity: str, minutes: int) -> str:
    """Return the buildspec of the gate that the image's scan must pass."""
    return _buildspec([commands.install(platform, ("aws-runtime",)), *commands.scan(severity, minutes)])


def publish_buildspec(platform: str, tries: bool, start: Optional[str]) -> str:
    """Return the buildspec that makes a package of what the other actions handed on."""
    return _buildspec(
        [
            commands.install(platform, ("aws-runtime",)),
            "mkdir -p reports",
            f'cp "$CODEBUILD_SRC_DIR_Tests/{TEST_REPORT}" reports/',
            *([f'cp "$CODEBUILD_SRC_DIR_Smoke/{SMOKE_REPORT}" reports/'] if tries else []),
            f'cp -R "$CODEBUILD_SRC_DIR_Image/{WHEELS}" .',
            *commands.publish("reports", start),
        ]
    )


def ahead_buildspec(platform: str, blueprint: str, locks: Sequence[str]) -> str:
    """Return the buildspec that writes a change to the lock and plans with it; it exports what the change came to."""
    return _buildspec(
        [
            *commands.install_deployer(platform),
            *commands.take_locks(locks),
            *commands.change(blueprint, carried_out=False),
            'export LINK="$CODEBUILD_BUILD_URL"',
            *commands.look_ahead(blueprint),
        ],
        exported=["VERSIONS", "LINK"],
        artifacts={"files": ["plan.md"]},
        credentials=True,
    )


def deploy_buildspec(platform: str, blueprint: str, locks: Sequence[str]) -> str:
    """Return the buildspec that makes the change again, in the approver's name, carries it out and records it."""
    return _buildspec(
        [
            *commands.install_deployer(platform),
            *commands.take_locks(locks),
            *commands.approver(),
            *commands.change(blueprint, carried_out=True),
            *commands.carry_out(blueprint),
            *commands.record(),
        ],
        credentials=True,
    )


def _buildspec(
    lines: Sequence[str],
    *,
    exported: Sequence[str] = (),
    reports: Optional[dict[str, Any]] = None,
    artifacts: Optional[dict[str, Any]] = None,
    credentials: bool = False,
) -> str:
    # One failing line ends the build; `set -e` reaches into lines that hold several commands.
    environment: dict[str, Any] = {"shell": "bash"}
    if exported:
        environment["exported-variables"] = list(exported)
    if credentials:
        environment["git-credential-helper"] = "yes"
    spec: dict[str, Any] = {
        "version": 0.2,
        "env": environment,
        "phases": {
            "install": {"runtime-versions": {"python": PYTHON}},
            "build": {"commands": ["set -eu -o pipefail", *lines]},
        },
        "cache": {"paths": _CACHE},
    }
    if reports:
        spec["reports"] = reports
    if artifacts:
        spec["artifacts"] = artifacts
    return json.dumps(spec, indent=2)
