"""A plan as one self-contained HTML page: a graph to explore, findings, differences between environments, outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.checks.values import leaves, referenced
from mlops_stacks.plan import Plan, PlannedResource, ScopePlan, Severity
from mlops_stacks.reports import differences as compared
from mlops_stacks.reports import layout
from mlops_stacks.reports.page import render_page

_HIDDEN_OPTIONS = ("version", "additionalSecretOutputs")
"""What an SDK says of itself in each of its resources: nothing that the reader decided."""

_STYLES = ("base.css", "plan.css", "graph.css")
_SCRIPTS = ("theme.js", "graph_model.js", "graph_layout.js", "graph_view.js", "panel.js", "plan.js")


def render_html(plan: Plan) -> str:
    """Write the page; the same plan gives the same bytes. It asks nobody for anything, and needs no script to read."""
    ids = {resource.urn: number for number, resource in enumerate(_shown(plan))}
    return render_page(
        "plan.html.j2",
        styles=_STYLES,
        scripts=_SCRIPTS,
        data=_data(plan, ids),
        values={
            "plan": plan,
            "title": layout.title(plan),
            "summary": layout.summary(plan),
            "findings": layout.by_severity(plan.findings),
            "severities": [severity.value for severity in Severity],
            "environments": [scope.scope for scope in compared.environments(plan)],
            "differences": compared.differences(plan),
            "outputs": {scope.scope: tuple(layout.outputs(scope)) for scope in plan.scopes},
            "stages": _stages(plan),
            "types": sorted({layout.short_type(resource.type) for resource in _shown(plan)}),
            "groups": {scope.scope: layout.groups(scope) for scope in plan.scopes},
            "ids": ids,
            "name_in": layout.name_in,
            "short_type": layout.short_type,
            "counted": layout.counted,
        },
    )


def _shown(plan: Plan) -> Iterator[PlannedResource]:
    """What the graph can show: everything but the stacks themselves."""
    return (resource for resource in plan.resources if resource.type != layout.STACK)


def _stages(plan: Plan) -> list[str]:
    """Those that have something, in display order; what belongs to none comes last."""
    present = {resource.stage or layout.OTHER for resource in _shown(plan)}
    known = [stage.value for stage in Stage]
    return sorted(present, key=lambda stage: (known.index(stage) if stage in known else len(known), stage))


def _data(plan: Plan, ids: Mapping[str, int]) -> dict[str, Any]:
    return {
        "scopes": [_scope(scope) for scope in plan.scopes],
        "stages": _stages(plan),
        "nodes": [
            _node(scope, resource, ids) for scope in plan.scopes for resource in scope.resources if resource.urn in ids
        ],
        "findings": [
            {"severity": finding.severity.value, "rule": finding.rule, "node": ids.get(finding.urn, -1)}
            | {"message": finding.message, "fix": finding.fix}
            for finding in layout.by_severity(plan.findings)
        ],
    }


def _scope(scope: ScopePlan) -> dict[str, Any]:
    counts = {group.stage: group.resources for group in layout.groups(scope)}
    platforms = {group.stage: list(group.platforms) for group in layout.groups(scope)}
    return {"name": scope.scope, "stack": scope.stack, "counts": counts, "platforms": platforms}


def _node(scope: ScopePlan, resource: PlannedResource, ids: Mapping[str, int]) -> dict[str, Any]:
    options = {key: value for key, value in resource.options.items() if key not in _HIDDEN_OPTIONS}
    return {
        "urn": resource.urn,
        "name": resource.name,
        "type": layout.short_type(resource.type),
        "token": resource.type,
        "kind": _kind(resource),
        "stage": resource.stage or layout.OTHER,
        "scope": scope.scope,
        "platform": resource.platform,
        "parent": ids.get(resource.parent or "", -1),
        "physical": layout.physical_name(resource),
        "marks": list(layout.marks(resource)),
        "inputs": resource.inputs,
        "options": options,
        "source": resource.source,
        "needs": sorted({ids[urn] for urn in _needs(resource) if urn in ids and urn != resource.urn}),
    }


def _kind(resource: PlannedResource) -> str:
    if resource.is_component:
        return "component"
    return "resource" if layout.is_resource(resource) else "link"


def _needs(resource: PlannedResource) -> Iterator[str]:
    yield from resource.dependencies
    for urns in resource.property_dependencies.values():
        yield from urns
    for _, leaf in leaves(resource.inputs):
        yield from referenced(leaf)
