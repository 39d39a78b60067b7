"""Plans of AWS components, as the composition would make them: with an explicit provider, offline."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from mlops_components.placement import AwsPlacement
from mlops_stacks.checks.run import check
from mlops_stacks.executors.in_process import StackIdentity
from mlops_stacks.executors.planner import plan_scope
from mlops_stacks.plan import Plan, PlannedResource, ScopePlan

DEV_ACCOUNT, PROD_ACCOUNT = "111122223333", "444455556666"
REGION = "eu-central-1"
Build = Callable[[pulumi.ResourceOptions], dict[str, Any] | None]


class AwsPlan:
    """A planned scope with short ways to look things up. Each one made has passed every rule of `checks`."""

    def __init__(self, scope: ScopePlan) -> None:
        self.scope = scope

    @property
    def outputs(self) -> Any:
        return self.scope.outputs

    def types(self) -> dict[str, str]:
        """Logical name -> type token without the package, components and providers left out."""
        return {r.name: r.type.rsplit(":", 1)[-1] for r in self.custom()}

    def custom(self) -> Iterator[PlannedResource]:
        return (r for r in self.scope.resources if not r.is_component and not r.is_provider)

    def resource(self, name: str) -> PlannedResource:
        (found,) = [r for r in self.scope.resources if r.name == name]
        return found

    def document(self, name: str, key: str = "policy") -> Any:
        return json.loads(self.resource(name).inputs[key])

    def statements(self, name: str, key: str = "policy") -> dict[str, Any]:
        """Sid -> statement."""
        return {statement["Sid"]: statement for statement in self.document(name, key)["Statement"]}

    def token(self, name: str, output: str = "arn") -> str:
        """What stands in the plan for an output that only AWS can give."""
        return f"${{{self.resource(name).urn}#{output}}}"


def placed(scope: str = "dev", account_id: str = DEV_ACCOUNT, **more: Any) -> AwsPlacement:
    placement: AwsPlacement = {"blueprint": "shop", "scope": scope, "account_id": account_id, "region": REGION}
    return {**placement, **more}  # type: ignore[typeddict-item]


@pytest.fixture
def place() -> Callable[..., AwsPlacement]:
    return placed


@pytest.fixture
def plan_aws() -> Callable[..., AwsPlan]:
    """Plan what `build` makes with the options of an explicit provider; a dict it returns becomes the outputs.

    The findings of every rule must be exactly those of `findings`, none by default.
    """

    def plan(build: Build, *, findings: frozenset[str] = frozenset()) -> AwsPlan:
        def program() -> None:
            import pulumi_aws as aws

            provider = aws.Provider("aws", region=REGION, allowed_account_ids=[DEV_ACCOUNT])
            for key, value in (build(pulumi.ResourceOptions(providers=[provider])) or {}).items():
                pulumi.export(key, value)

        identity = StackIdentity("mlops-stacks", "shop-dev", Path.cwd())
        scope = plan_scope(program, identity, scope="dev", platform="aws", earlier=None)
        found = check(Plan("shop", "aws", "dev", (scope,)))
        assert {finding.rule for finding in found} == findings, found
        return AwsPlan(scope)

    return plan
