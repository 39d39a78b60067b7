"""What must exist before a first `up`. It is said, with the commands, and left to whoever may do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlops_stacks.blueprint.aws_stages.state import secrets_alias, state_bucket
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform
from mlops_stacks.project import Project


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    lines: tuple[str, ...]


def bootstrap(project: Project, environment: str | None) -> Iterator[Section]:
    """What to prepare for these scopes. Raises `UnknownEnvironmentError`."""
    scopes = project.scopes(environment)
    if project.is_local:
        yield Section(
            "Nothing is needed",
            (
                f"Every stage is on this machine: state and data are kept in {project.home}.",
                "Next: mlops-stacks preflight, then mlops-stacks up.",
            ),
        )
        return
    target = project.blueprint.scope(SHARED).target_on(Platform.AWS)
    yield _state(project, target if isinstance(target, AwsTarget) else None)
    yield _secrets(project, scopes, target if isinstance(target, AwsTarget) else None)
    yield from _deployers(project, scopes, environment)
    yield Section("Then", ("mlops-stacks preflight", "mlops-stacks up"))


def _state(project: Project, target: AwsTarget | None) -> Section:
    """A place for Pulumi's state that is versioned, private, and not on one person's machine."""
    title = "1. State backend: where Pulumi keeps what it knows"
    if target is None:
        return Section(title, ("pulumi login", "# or any backend that `pulumi login --help` names"))
    bucket = state_bucket(project.blueprint.name, target.account)
    place = "" if target.region == "us-east-1" else f" --create-bucket-configuration LocationConstraint={target.region}"
    block = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
    return Section(
        title,
        (
            f"aws s3api create-bucket --bucket {bucket} --region {target.region}{place}",
            f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled",
            f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {block}",
            f"pulumi login 's3://{bucket}?region={target.region}'",
        ),
    )


def _secrets(project: Project, scopes: Iterable[str], target: AwsTarget | None) -> Section:
    title = "2. Secrets provider: what encrypts secrets in that state"
    stacks = [project.blueprint.stack(scope) for scope in scopes]
    if target is None:
        return Section(title, tuple(f"pulumi stack init {stack}" for stack in stacks))
    alias = secrets_alias(project.blueprint.name)
    return Section(
        title,
        (
            f"KEY=$(aws kms create-key --region {target.region} --query KeyMetadata.KeyId --output text)",
            f'aws kms create-alias --region {target.region} --alias-name {alias} --target-key-id "$KEY"',
            *(
                f"pulumi stack init {stack} --secrets-provider 'awskms://{alias}?region={target.region}'"
                for stack in stacks
            ),
        ),
    )


def _deployers(project: Project, scopes: Iterable[str], environment: str | None) -> Iterator[Section]:
    """One for each target, with what it must be able to manage, as planned."""
    from mlops_stacks.operations.planning import plan

    planned = {scope.scope: scope for scope in plan(project, environment).scopes}
    for scope in scopes:
        target = project.blueprint.scope(scope).target_on(Platform.AWS)
        types = sorted({r.type for r in planned[scope].resources if r.custom and not r.is_provider})
        managed = sorted({token.split(":")[1].split("/")[0] for token in types if token.startswith("aws:")})
        if not isinstance(target, AwsTarget):
            continue
        who = target.role or "a role of your choice: write its ARN as `role` of the target"
        yield Section(
            f"3. Deployer of {scope}, in account {target.account}",
            (
                f"role: {who}",
                f"it must be able to create, read, update and delete in: {', '.join(managed)}",
                *(f"  {token}" for token in types),
            ),
        )
