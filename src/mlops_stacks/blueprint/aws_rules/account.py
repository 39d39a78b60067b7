"""Roles and keys that are somewhere else than the environment that names them."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_stacks.blueprint.aws_stages.foundation import AdoptKey, AwsFoundation
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Blueprint, Environment
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import SHARED, Platform


def broken_accounts(blueprint: Blueprint) -> Iterator[Problem]:
    """Roles of other accounts than their target, and keys of other regions."""
    for name, environment in ((SHARED, blueprint.shared), *blueprint.environments.items()):
        target = environment.target_on(Platform.AWS)
        if isinstance(target, AwsTarget):
            at: FieldPath = (SHARED,) if name == SHARED else ("environments", name)
            yield from _role(environment, target, at)
            yield from _key(environment, target, at)


BLUEPRINT_RULES = (broken_accounts,)


def _role(environment: Environment, target: AwsTarget, at: FieldPath) -> Iterator[Problem]:
    account = target.role.split(":")[4] if target.role else target.account
    if account != target.account:
        where = ("target",) if environment.target is target else ("targets", Platform.AWS.value)
        yield Problem(
            (*at, *where, "role"),
            f"the role is one of the account {account}, and whoever assumes it is there instead of in {target.account}",
            f"write the ARN of a role of {target.account}, or the other account",
        )


def _key(environment: Environment, target: AwsTarget, at: FieldPath) -> Iterator[Problem]:
    """A key may be another account's, but encrypts in its own region only (KMS Developer Guide, "AWS KMS keys")."""
    foundation = environment.settings.stages.foundation
    if not isinstance(foundation, AwsFoundation) or not isinstance(foundation.key, AdoptKey):
        return
    path = (*at, "settings", "stages", "foundation", "key", "arn")
    _, _, service, region, _, what = foundation.key.arn.split(":", 5)
    example = f"write e.g. `arn:aws:kms:{target.region}:{target.account}:key/00000000-0000-0000-0000-000000000000`"
    if service != "kms" or not what.startswith("key/"):
        yield Problem(path, f"`{foundation.key.arn}` is not the ARN of a key of KMS", example)
    elif region != target.region:
        scope = at[-1]
        yield Problem(
            path,
            f"the key is in {region}, and {scope} in {target.region}, where no service can use it",
            f"name a key of {target.region}, e.g. a replica of this one, as the foundation's of {scope}",
        )
