"""One explicit provider per target. A check refuses any resource on a default provider."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from mlops_stacks.blueprint.settings import Environment
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform


def providers_of(environment: Environment) -> Mapping[Platform, pulumi.ProviderResource]:
    """The providers of the platforms that an environment's stages are on."""
    platforms = {chosen.platform for _, chosen in environment.settings.stages.items()}
    targets = {platform: environment.target_on(platform) for platform in platforms}
    return {platform: _aws(target) for platform, target in sorted(targets.items()) if isinstance(target, AwsTarget)}


def _aws(target: AwsTarget) -> pulumi.ProviderResource:
    # Imported here: a blueprint without AWS needs neither the SDK nor its import time.
    import pulumi_aws as aws

    roles = [aws.ProviderAssumeRoleArgs(role_arn=target.role, session_name="mlops-stacks")] if target.role else None
    provider: pulumi.ProviderResource = aws.Provider(
        "aws", region=target.region, allowed_account_ids=[target.account], assume_roles=roles
    )
    return provider
