"""A plan as a tree for the terminal: scopes, stages, components and their resources."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from mlops_stacks.plan import Finding, Plan, PlannedResource, ScopePlan, Severity
from mlops_stacks.reports import layout

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def render(plan: Plan) -> RenderableType:
    """Return the plan for a rich console to print."""
    return Group(*_scopes(plan), *_findings(plan), _last_line(plan))


def render_text(plan: Plan, width: int = 10_000) -> str:
    """Write the plan as plain text, without colours; the same plan gives the same bytes.

    Lines are wrapped at `width` columns: by default practically never.
    """
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    console.print(render(plan))
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _scopes(plan: Plan) -> Iterator[RenderableType]:
    yield Text(layout.title(plan), style="bold")
    for scope in plan.scopes:
        yield _scope(scope)


def _scope(scope: ScopePlan) -> Tree:
    grouped = layout.groups(scope)
    count = layout.counted(sum(group.resources for group in grouped), "resource")
    tree = Tree(Text.assemble((scope.scope, "bold"), (f"  stack {scope.stack}, {count}", "dim")), guide_style="dim")
    for group in grouped:
        _stage(tree, group)
    values = list(layout.outputs(scope))
    if values:
        branch = tree.add(Text("outputs", style="bold"))
        for key, value in values:
            branch.add(Text.assemble(key, " = ", (value, "green")))
    return tree


def _stage(tree: Tree, group: layout.Group) -> None:
    on = f" on {', '.join(group.platforms)}" if group.stage != layout.OTHER else ""
    count = layout.counted(group.resources, "resource")
    branch = tree.add(Text.assemble((group.stage, "bold blue"), (f"{on}, {count}" if group.resources else on, "dim")))
    known: dict[str, Tree] = {}
    for member in group.members:
        known[member.urn] = known.get(member.parent or "", branch).add(_resource(member))


def _resource(resource: PlannedResource) -> Text:
    name = layout.physical_name(resource)
    text = Text.assemble(
        (resource.name, "bold" if resource.is_component else ""), (f"  {layout.short_type(resource.type)}", "dim")
    )
    if name:
        text.append(f"  {name}", "green")
    for mark in layout.marks(resource):
        text.append(f"  [{mark}]", "magenta")
    return text


def _findings(plan: Plan) -> Iterator[RenderableType]:
    if plan.findings:
        yield Text("findings", style="bold")
    for finding in layout.by_severity(plan.findings):
        yield _finding(finding)


def _finding(finding: Finding) -> Text:
    return Text.assemble(
        (f"  {finding.severity.value}", _COLOURS[finding.severity]),
        (f" {finding.rule}", "bold"),
        f": {finding.message}\n",
        (f"    fix: {finding.fix}", "dim"),
    )


def _last_line(plan: Plan) -> Text:
    counts = layout.summary(plan)
    scopes = layout.counted(len(plan.scopes), "scope")
    said = f"{layout.counted(counts['resources'], 'resource')} in {scopes}; {layout.counted_findings(plan.findings)}"
    return Text(said, style=_COLOURS[Severity.ERROR] if plan.errors else "bold")
