"""Builds small plans by hand, for tests of checks and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_stacks.checks import RULES, check
from mlops_stacks.plan import Finding, Plan, PlannedResource, ScopePlan


def urn_of(type_: str, name: str, stack: str = "fares-dev") -> str:
    """The URN of a resource directly under its stack."""
    return f"urn:pulumi:{stack}::mlops-stacks::{type_}::{name}"


def resource(type_: str, name: str, inputs: Mapping[str, Any] | None = None, **fields: Any) -> PlannedResource:
    """A resource of scope `dev` under the stack, on the provider `target`."""
    scope = fields.pop("scope", "dev")
    stack = f"fares-{scope}"
    fields.setdefault("urn", urn_of(type_, name, stack))
    fields.setdefault("parent", urn_of("pulumi:pulumi:Stack", f"mlops-stacks-{stack}", stack))
    fields.setdefault("stage", None)
    fields.setdefault("platform", "aws")
    if fields.get("custom", True) and not type_.startswith(("pulumi", "pulumi-python")):
        fields.setdefault("options", {"provider": urn_of("pulumi:providers:aws", "target", stack)})
    return PlannedResource(type=type_, name=name, scope=scope, inputs=inputs or {}, **fields)


def scope_of(
    *resources: PlannedResource, scope: str = "dev", account: str = "111111111111", **fields: Any
) -> ScopePlan:
    """A scope with its stack and the provider `target`, and the given resources."""
    stack = f"fares-{scope}"
    root = resource("pulumi:pulumi:Stack", f"mlops-stacks-{stack}", scope=scope, parent=None, custom=False)
    target = {"allowedAccountIds": f'["{account}"]', "region": "eu-west-1"}
    provider = resource("pulumi:providers:aws", "target", target, scope=scope)
    return ScopePlan(scope, stack, (root, provider, *resources), fields.get("outputs", {}))


def plan_of(*scopes: ScopePlan) -> Plan:
    """A plan of these scopes."""
    return Plan("fares", "aws", None, scopes)


def findings(rule: str, *resources: PlannedResource, **fields: Any) -> list[Finding]:
    """What one rule says about a scope that consists of these resources."""
    assert rule in RULES
    return [finding for finding in check(plan_of(scope_of(*resources, **fields))) if finding.rule == rule]
