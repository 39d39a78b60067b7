"""Blueprint -> CI 1 by GitHub Actions."""

from __future__ import annotations

from typing import Any

from mlops_components.continuous_integration.aws_github_actions import GitHubActionsContinuousIntegration
from mlops_components.identity.aws_trust import GITHUB_ISSUER, github_subjects
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import ci_workflow, common, repository
from mlops_stacks.compose.on_aws.ci_settings import STAGE


def build(context: Context) -> Any:
    """The workflow, and the role that its jobs assume on the branch that is built."""
    subjects = github_subjects(repository.repository(context, STAGE), branches=[repository.branch(context, STAGE)])
    args = ci_workflow.arguments(context, "github", GITHUB_ISSUER, subjects)
    made = GitHubActionsContinuousIntegration
    return made("continuous-integration", args, common.options(context))  # type: ignore[arg-type]
