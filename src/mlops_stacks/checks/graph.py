"""Checks the resource graph itself: identity, descent and references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mlops_stacks.plan import Finding, Plan, PlannedResource, ScopePlan, Severity

RULES = {
    "duplicate-urn": "no two resources of a stack have the same type, name and parents",
    "orphan": "every resource descends from its stack",
    "dangling-dependency": "a resource depends only on resources of its own stack",
}

_STACK = "pulumi:pulumi:Stack"


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what is wrong with the graph of each scope."""
    for scope in plan.scopes:
        yield from _duplicates(scope)
        for resource in scope.resources:
            yield from _orphan(resource, scope)
            yield from _dangling(resource, scope)


def _duplicates(scope: ScopePlan) -> Iterator[Finding]:
    counts = Counter(resource.urn for resource in scope.resources)
    for urn, count in counts.items():
        if count > 1:
            resource = scope.by_urn[urn]
            yield Finding(
                "duplicate-urn",
                Severity.ERROR,
                urn,
                f"{count} resources of scope {scope.scope!r} are called {resource.name!r} and are of type "
                f"{resource.type} under the same parent",
                "give each of them a name of its own",
            )


def _orphan(resource: PlannedResource, scope: ScopePlan) -> Iterator[Finding]:
    seen: set[str] = set()
    current: PlannedResource | None = resource
    while current is not None and current.type != _STACK and current.urn not in seen:
        seen.add(current.urn)
        current = scope.by_urn.get(current.parent or "")
    if current is None or current.type != _STACK:
        yield Finding(
            "orphan",
            Severity.ERROR,
            resource.urn,
            f"{resource.name} ({resource.type}) does not descend from the stack {scope.stack!r}",
            "create it with `parent` set to a component of the same stack",
        )


def _dangling(resource: PlannedResource, scope: ScopePlan) -> Iterator[Finding]:
    named = {*resource.dependencies}
    named.update(urn for urns in resource.property_dependencies.values() for urn in urns)
    named.update(str(resource.options[option]) for option in ("provider", "deletedWith") if option in resource.options)
    for urn in sorted(named - scope.by_urn.keys()):
        yield Finding(
            "dangling-dependency",
            Severity.ERROR,
            resource.urn,
            f"{resource.name} ({resource.type}) depends on {urn}, which scope {scope.scope!r} does not contain",
            "depend on a resource of the same stack; read another stack through a stack reference",
        )
