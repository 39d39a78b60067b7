"""Small programs of components, planned as the composition would plan them, in the account of the emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
from aws.conftest import ACCOUNT, REGION
from call_accounts import PlannedAccount

from mlops_components.grants import AwsGrant
from mlops_components.identity.aws import AwsIdentity
from mlops_components.placement import AwsPlacement
from mlops_stacks.checks.run import check
from mlops_stacks.executors.in_process import StackIdentity
from mlops_stacks.executors.planner import plan_scope
from mlops_stacks.plan import Plan

PLACED: AwsPlacement = {"blueprint": "shop", "scope": "dev", "account_id": ACCOUNT, "region": REGION}
Build = Callable[[pulumi.ResourceOptions], Mapping[str, list[AwsGrant]]]
"""Makes components; returns purpose -> what a role for it is granted."""


def planned(build: Build, *, stage: str = "training_pipeline") -> PlannedAccount:
    """The account of a program, with a role for each purpose that it names. Every rule of `checks` holds."""

    def program() -> None:
        import pulumi_aws as aws

        options = pulumi.ResourceOptions(providers=[aws.Provider("aws", region=REGION, allowed_account_ids=[ACCOUNT])])
        for purpose, grants in build(options).items():
            args: Any = {
                "placement": PLACED,
                "purpose": purpose,
                "on_behalf_of": stage,
                "services": ["sagemaker.amazonaws.com"],
                "grants": grants,
            }
            AwsIdentity(purpose, args, options)

    scope = plan_scope(
        program, StackIdentity("mlops-stacks", "shop-dev", Path.cwd()), scope="dev", platform="aws", earlier=None
    )
    plan = Plan("shop", "aws", "dev", (scope,))
    assert check(plan) == ()
    return PlannedAccount(plan)
