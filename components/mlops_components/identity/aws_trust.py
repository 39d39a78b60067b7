"""Who may assume a role: services, principals, and tokens of CI systems outside of AWS.

A token is trusted for named repositories only, and there for named branches or environments: a role that any
repository of a CI system could assume would be everybody's role.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import ArgsError
from mlops_components.grants import document, statement

GITHUB_ISSUER = "token.actions.githubusercontent.com"
GITLAB_ISSUER = "gitlab.com"

_SAY_WHOSE: Mapping[str, str] = {
    "codebuild.amazonaws.com": "CodeBuild User Guide, Allow CodeBuild to interact with other AWS services",
    "codedeploy.amazonaws.com": "CodeDeploy User Guide, Cross-service confused deputy prevention",
    "ecs-tasks.amazonaws.com": "ECS Developer Guide, Task IAM role (of what runs in a task, not of what starts it)",
    "events.amazonaws.com": "EventBridge User Guide, Using IAM roles to access targets",
    "sagemaker.amazonaws.com": "SageMaker Developer Guide, Cross-service confused deputy prevention (of training, "
    "processing, pipelines, inference, batch transform and Studio)",
    "scheduler.amazonaws.com": "EventBridge Scheduler User Guide, Confused deputy prevention",
    "states.amazonaws.com": "Step Functions Developer Guide, Prevent cross-service confused deputy issue",
}
"""Services that are documented to say for which account they assume a role -> where. A condition on what a service
does not say would keep it out: Lambda, CodePipeline and ECS's own service show their trust policies without one."""


class AwsFederation(TypedDict):
    """Tokens of one issuer that may be exchanged for a role."""

    provider_arn: pulumi.Input[str]
    """The account's OIDC provider for the issuer."""
    issuer: str
    """Address of the issuer without `https://`, e.g. `token.actions.githubusercontent.com`."""
    audience: str
    """What the token must be made for, e.g. `sts.amazonaws.com`."""
    subjects: list[str]
    """Whose tokens: see `github_subjects` and `gitlab_subjects`. `*` may stand after the repository only."""


def github_subjects(
    repository: str, *, branches: Sequence[str] = (), environments: Sequence[str] = (), pull_requests: bool = False
) -> list[str]:
    """Return the subjects of a GitHub repository, `owner/name` (GitHub Docs, "OpenID Connect reference").

    A job that names an environment has that one in its subject, and no longer its branch.
    """
    repo = f"repo:{repository}"
    subjects = [f"{repo}:ref:refs/heads/{branch}" for branch in branches]
    subjects += [f"{repo}:environment:{environment}" for environment in environments]
    return [*subjects, *([f"{repo}:pull_request"] if pull_requests else [])]


def gitlab_subjects(project: str, *, branches: Sequence[str]) -> list[str]:
    """Return the subjects of a GitLab project, `group/name` (GitLab Docs, "OpenID Connect (OIDC) authentication")."""
    return [f"project_path:{project}:ref_type:branch:ref:{branch}" for branch in branches]


def trust_policy(
    account_id: str,
    services: Sequence[str],
    principals: Sequence[str] = (),
    federations: Sequence[AwsFederation] = (),
    *,
    from_any_source: bool = False,
    keeps_source_identity: bool = False,
) -> pulumi.Input[str]:
    """Return the trust policy: plain text unless a provider's ARN is not known yet.

    `from_any_source` and `keeps_source_identity` are about the services: see `AwsIdentityArgs`.
    """
    actions = ["sts:AssumeRole", *(["sts:SetSourceIdentity"] if keeps_source_identity else [])]
    told = {service for service in services if service in _SAY_WHOSE and not from_any_source}
    known = [_services(actions, told, account_id)] if told else []
    if untold := set(services) - told:
        known.append(_services(actions, untold, None))
    if principals:
        arns = sorted(set(principals))
        known.append(statement("Allow", ["sts:AssumeRole"], [], principals={"AWS": arns}))
    if not federations:
        return document(known)
    for federation in federations:
        _check(federation)
    arns_ = pulumi.Output.all(*(federation["provider_arn"] for federation in federations))
    return arns_.apply(
        lambda arns: document([*known, *(_federated(arn, of) for arn, of in zip(arns, federations, strict=True))])
    )


def _services(actions: Sequence[str], services: Set[str], account_id: Optional[str]) -> dict[str, Any]:
    # The condition keeps a service from acting with this role on behalf of another account (the confused deputy).
    # Where it cannot stand, a role is still handed only to what is made in its own account: `iam:PassRole` says so.
    return statement(
        "Allow",
        actions,
        [],
        principals={"Service": sorted(services)},
        conditions=None if account_id is None else {"StringEquals": {"aws:SourceAccount": account_id}},
    )


def _federated(provider_arn: str, federation: AwsFederation) -> dict[str, Any]:
    issuer, subjects = federation["issuer"], sorted(set(federation["subjects"]))
    exact = [subject for subject in subjects if "*" not in subject]
    audience = {f"{issuer}:aud": federation["audience"]}
    conditions: Mapping[str, Any] = (
        {"StringEquals": {**audience, f"{issuer}:sub": subjects}}
        if exact == subjects
        else {"StringEquals": audience, "StringLike": {f"{issuer}:sub": subjects}}
    )
    return statement(
        "Allow",
        ["sts:AssumeRoleWithWebIdentity"],
        [],
        principals={"Federated": provider_arn},
        conditions=conditions,
    )


def _check(federation: AwsFederation) -> None:
    if not federation["subjects"]:
        raise ArgsError("a federation names no subject, so nobody's tokens would do; name a repository's.")
    for subject in federation["subjects"]:
        kind, _, rest = subject.partition(":")
        repository = rest.partition(":")[0]
        if "*" in kind or "*" in repository or "/" not in repository:
            raise ArgsError(f"the subject '{subject}' names no repository; write one as `repo:owner/name:…`.")
