"""A plan as a Mermaid graph that stays readable however many resources there are.

It shows components where they are few, stages where components are many, and scopes where even stages are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlops_stacks.checks.values import leaves, referenced
from mlops_stacks.plan import Plan, PlannedResource, ScopePlan
from mlops_stacks.reports import layout

_NODES = 24
_EDGES = 48
# Mermaid's own entity codes: inside quotes it reads neither backslashes nor HTML's ampersands.
_ESCAPES = str.maketrans({"#": "#35;", '"': "#quot;", "&": "#amp;", "<": "#lt;", ">": "#gt;", "`": "#96;"})


@dataclass(frozen=True, slots=True)
class _Node:
    scope: str
    key: str
    title: str


_Place = Callable[[ScopePlan, PlannedResource], _Node | None]


def mermaid(plan: Plan) -> str:
    """Write the graph, without the fence around it; an arrow points from what is needed to what needs it."""
    for place in (_component, _stage):
        counts, edges = _graph(plan, place)
        if len(counts) <= _NODES and len(edges) <= _EDGES:
            return _drawn(counts, edges)
    return _drawn(*_graph(plan, _scope))


def _graph(plan: Plan, place: _Place) -> tuple[dict[_Node, int], list[tuple[_Node, _Node]]]:
    nodes: dict[str, _Node] = {}
    counts: dict[_Node, int] = {}
    for scope in plan.scopes:
        for resource in scope.resources:
            node = place(scope, resource)
            if node is not None:
                nodes[resource.urn] = node
                counts[node] = counts.get(node, 0) + layout.is_resource(resource)
    edges: Counter[tuple[_Node, _Node]] = Counter()
    for resource in plan.resources:
        for urn in _needs(resource):
            if urn in nodes and resource.urn in nodes and nodes[urn] != nodes[resource.urn]:
                edges[nodes[urn], nodes[resource.urn]] += 1
    order = {node: index for index, node in enumerate(counts)}
    return counts, sorted(edges, key=lambda edge: (order[edge[0]], order[edge[1]]))


def _needs(resource: PlannedResource) -> Iterator[str]:
    yield from resource.dependencies
    for _, leaf in leaves(resource.inputs):
        yield from referenced(leaf)


def _component(scope: ScopePlan, resource: PlannedResource) -> _Node | None:
    current: PlannedResource | None = resource
    while current is not None and not current.is_component:
        current = scope.by_urn.get(current.parent or "")
    if current is None or current.type == layout.STACK:
        return _stage(scope, resource)
    return _Node(scope.scope, current.urn, f"{current.name}<br/>{layout.short_type(current.type)}")


def _stage(scope: ScopePlan, resource: PlannedResource) -> _Node | None:
    if not layout.is_resource(resource):
        return None
    stage = resource.stage or layout.OTHER
    return _Node(scope.scope, stage, stage)


def _scope(scope: ScopePlan, resource: PlannedResource) -> _Node | None:
    return _Node(scope.scope, scope.scope, scope.scope) if layout.is_resource(resource) else None


def _drawn(counts: dict[_Node, int], edges: list[tuple[_Node, _Node]]) -> str:
    names = {node: f"n{index}" for index, node in enumerate(counts)}
    lines = ["flowchart LR"]
    for index, scope in enumerate(dict.fromkeys(node.scope for node in counts)):
        lines.append(f'  subgraph s{index}["{_label(scope)}"]')
        for node, count in counts.items():
            if node.scope == scope:
                lines.append(f'    {names[node]}["{_label(node.title)}<br/>{layout.counted(count, "resource")}"]')
        lines.append("  end")
    lines.extend(f"  {names[start]} --> {names[end]}" for start, end in edges)
    return "\n".join(lines)


def _label(text: str) -> str:
    return "<br/>".join(line.translate(_ESCAPES) for line in text.split("<br/>"))
