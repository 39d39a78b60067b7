"""The registry of rules, and the one call that applies them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from mlops_stacks.checks import approvals, buckets, graph, iam, immutable, names, provider_types, providers, secrets
from mlops_stacks.plan import Finding, Plan

Check = Callable[[Plan], Iterable[Finding]]
"""A family of rules, applied in one pass over a plan."""

_FAMILIES: tuple[tuple[Mapping[str, str], Check], ...] = (
    (graph.RULES, graph.find),
    (provider_types.RULES, provider_types.find),
    (providers.RULES, providers.find),
    (names.RULES, names.find),
    (immutable.RULES, immutable.find),
    (secrets.RULES, secrets.find),
    (iam.RULES, iam.find),
    (buckets.RULES, buckets.find),
    (approvals.RULES, approvals.find),
)

RULES: Mapping[str, str] = MappingProxyType({rule: text for rules, _ in _FAMILIES for rule, text in rules.items()})
"""Every rule with a sentence about what it asks for."""


def check(plan: Plan) -> tuple[Finding, ...]:
    """Apply every rule; the findings come in the order of the rules' families, then of the plan."""
    return tuple(finding for _, family in _FAMILIES for finding in family(plan))
