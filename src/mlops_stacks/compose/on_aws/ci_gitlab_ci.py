"""Blueprint -> CI 1 by GitLab."""

from __future__ import annotations

from typing import Any

from mlops_components.continuous_integration.aws_gitlab_ci import GitLabContinuousIntegration
from mlops_components.identity.aws_trust import GITLAB_ISSUER, gitlab_subjects
from mlops_stacks.blueprint.aws_stages.audit import AdoptOidc, CreateOidc
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import ci_workflow, common, repository
from mlops_stacks.compose.on_aws.ci_settings import STAGE


def build(context: Context) -> Any:
    """The pipeline, and the role that its jobs assume on the branch that is built."""
    subjects = gitlab_subjects(repository.repository(context, STAGE), branches=[repository.branch(context, STAGE)])
    args = ci_workflow.arguments(context, "gitlab", _issuer(context), subjects)
    made = GitLabContinuousIntegration
    return made("continuous-integration", args, common.options(context))  # type: ignore[arg-type]


def _issuer(context: Context) -> str:
    """Address of the issuer without its scheme: that of a GitLab of one's own, where the foundation names it."""
    trusted = context.options(Stage.FOUNDATION).gitlab_oidc
    if isinstance(trusted, AdoptOidc):
        return trusted.arn.partition(":oidc-provider/")[2]
    if isinstance(trusted, CreateOidc) and trusted.url:
        return trusted.url.removeprefix("https://").rstrip("/")
    return GITLAB_ISSUER
