"""Makes a plan of what Pulumi's engine hands to a policy, so that the rules of `mlops_stacks.checks` can read it.

Three families are left to others. Provider types and the graph: the engine checks both itself. Plain secrets: the
engine shows a policy every secret in the clear, so each would be found; `mlops-stacks plan` sees them masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlops_stacks.checks import buckets, iam, immutable, names, providers
from mlops_stacks.plan import UNKNOWN, Finding, Plan, PlannedResource, ScopePlan, Severity

Report = Callable[[str, str], None]
"""Takes a message and a URN."""

FAMILIES = (providers, names, immutable, iam, buckets)
RULES: Mapping[str, str] = {rule: text for family in FAMILIES for rule, text in family.RULES.items()}
"""Rule -> what it asks for."""


def report(rule: str, resources: Sequence[Any], unknown: type[Exception], tell: Report) -> None:
    """Tell every error that one rule finds among a stack's resources."""
    for finding in _findings(resources, unknown):
        if finding.rule == rule and finding.severity is Severity.ERROR:
            tell(f"{finding.message}. To mend it: {finding.fix}.", finding.urn)


def _findings(resources: Sequence[Any], unknown: type[Exception]) -> Iterable[Finding]:
    planned = tuple(_planned(resource, unknown) for resource in resources)
    stack = planned[0].urn.split("::")[0].removeprefix("urn:pulumi:") if planned else ""
    plan = Plan("", "", None, (ScopePlan(stack, stack, planned, {}),))
    return (finding for family in FAMILIES for finding in family.find(plan))


def _planned(resource: Any, unknown: type[Exception]) -> PlannedResource:
    component = resource.resource_type.count(":") == 2 and "/" not in resource.resource_type and not resource.provider
    default = resource.provider is None or resource.provider.name.startswith("default")
    return PlannedResource(
        urn=resource.urn,
        type=resource.resource_type,
        name=resource.name,
        parent=resource.parent.urn if resource.parent else None,
        stage=None,
        scope="",
        platform="",
        inputs=_inputs(resource, unknown),
        property_dependencies={
            key: tuple(s.urn for s in found) for key, found in resource.property_dependencies.items()
        },
        options={} if default else {"provider": resource.provider.urn},
        custom=not component,
    )


def _inputs(resource: Any, unknown: type[Exception]) -> dict[str, Any]:
    """The properties; one that a preview cannot know stands for the resource that it comes from, if there is one."""
    inputs: dict[str, Any] = {}
    for key in resource.props:
        try:
            inputs[key] = _known(resource.props, key, unknown)
        except unknown:
            sources = resource.property_dependencies.get(key) or []
            inputs[key] = f"${{{sources[0].urn}#id}}" if len(sources) == 1 else UNKNOWN
    return inputs


def _known(holder: Any, key: Any, unknown: type[Exception]) -> Any:
    """A value in plain types, unknown parts marked. Raises `unknown` if all of it is unknown."""
    value = holder[key]
    if isinstance(value, Mapping):
        return {inner: _or_unknown(value, inner, unknown) for inner in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_or_unknown(value, index, unknown) for index in range(len(value))]
    return value


def _or_unknown(holder: Any, key: Any, unknown: type[Exception]) -> Any:
    try:
        return _known(holder, key, unknown)
    except unknown:
        return UNKNOWN
