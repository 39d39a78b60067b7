"""One explicit provider per target and SDK. A check refuses any resource on a default provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from mlops_stacks.blueprint.settings import Environment
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform
from mlops_stacks.compose.placement import is_in_scope

_SESSION = "mlops-stacks"


def providers_of(environment: Environment, scope: str) -> Mapping[Platform, Sequence[pulumi.ProviderResource]]:
    """The providers of the platforms that an environment's stages are on."""
    platforms = {chosen.platform for _, chosen in environment.settings.stages.items()}
    targets = {platform: environment.target_on(platform) for platform in platforms}
    return {
        platform: _aws(target, native=_takes_native(environment, scope))
        for platform, target in sorted(targets.items())
        if isinstance(target, AwsTarget)
    }


def _takes_native(environment: Environment, scope: str) -> bool:
    """Whether a stage of this scope is made with aws-native as well: some resources of AWS are only there."""
    stages = environment.settings.stages
    return any(
        engine.native and is_in_scope(stage, chosen.platform, scope)
        for stage, chosen in stages.items()
        if (engine := stages.engine(stage))
    )


def _aws(target: AwsTarget, *, native: bool) -> Sequence[pulumi.ProviderResource]:
    # Imported here: a blueprint without AWS needs neither the SDK nor its import time.
    import pulumi_aws as aws

    roles = [aws.ProviderAssumeRoleArgs(role_arn=target.role, session_name=_SESSION)] if target.role else None
    provider: pulumi.ProviderResource = aws.Provider(
        "aws", region=target.region, allowed_account_ids=[target.account], assume_roles=roles
    )
    return [provider, _aws_native(target)] if native else [provider]


def _aws_native(target: AwsTarget) -> pulumi.ProviderResource:
    import pulumi_aws_native as aws_native

    role = aws_native.ProviderAssumeRoleArgs(role_arn=target.role, session_name=_SESSION) if target.role else None
    provider: pulumi.ProviderResource = aws_native.Provider(
        "aws-native", region=target.region, allowed_account_ids=[target.account], assume_role=role
    )
    return provider
