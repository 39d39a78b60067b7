"""A plan as Markdown, fit for a comment on a pull request."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from mlops_stacks.plan import Plan, ScopePlan
from mlops_stacks.reports import layout
from mlops_stacks.reports.diagram import mermaid

LIMIT = 65_536
"""How many characters GitHub takes in a comment."""

_CELL = 300
_MORE = "`mlops-stacks plan --format json` has everything."


def render_markdown(plan: Plan, limit: int = LIMIT) -> str:
    """Write the plan in at most `limit` characters, counted as bytes; what matters least is cut first, and said so."""
    parts = [_heading(plan), _summary(plan)]
    room = limit - _size("\n".join(parts)) - 2
    sections = (
        _findings(plan, room // 2),
        _diagram(plan),
        *(_outputs(scope, room // 8) for scope in plan.scopes),
        *(_resources(scope, room // 4) for scope in plan.scopes),
    )
    left_out = f"\nSome of the plan is left out here to stay within {limit} characters. {_MORE}\n"
    room -= _size(left_out)
    complete = True
    for section in filter(None, sections):
        if _size(section) + 1 <= room:
            parts.append(section)
            room -= _size(section) + 1
        else:
            complete = False
    return "\n".join(parts) + ("" if complete else left_out)


def _size(text: str) -> int:
    return len(text.encode())


def _heading(plan: Plan) -> str:
    verdict = "This plan must not be applied." if plan.errors else "Nothing blocks this plan."
    counts = layout.summary(plan)
    said = f"{layout.counted(counts['resources'], 'resource')}, {layout.counted_findings(plan.findings)}. {verdict}"
    return f"## Plan of {_plain(layout.title(plan))}\n\n{said}\n"


def _summary(plan: Plan) -> str:
    rows = (
        (
            scope.scope,
            group.stage,
            ", ".join(group.platforms),
            str(group.components),
            str(group.resources),
            str(sum(layout.is_resource(member) and bool(member.options.get("protect")) for member in group.members)),
        )
        for scope in plan.scopes
        for group in layout.groups(scope)
        if group.stage != layout.OTHER or group.resources
    )
    return _table(("Scope", "Stage", "Platform", "Components", "Resources", "Protected"), rows, LIMIT // 4)


def _diagram(plan: Plan) -> str:
    return f"```mermaid\n{mermaid(plan)}\n```\n"


def _findings(plan: Plan, room: int) -> str:
    if not plan.findings:
        return ""
    rows = (
        (finding.severity.value, finding.rule, layout.name_in(finding.urn), finding.message, finding.fix)
        for finding in layout.by_severity(plan.findings)
    )
    return "### Findings\n\n" + _table(("Severity", "Rule", "Resource", "What", "Fix"), rows, room)


def _outputs(scope: ScopePlan, room: int) -> str:
    rows = list(layout.outputs(scope))
    return _folded(f"Outputs of {scope.scope} ({len(rows)})", _table(("Output", "Value"), rows, room)) if rows else ""


def _resources(scope: ScopePlan, room: int) -> str:
    rows = [
        (
            group.stage,
            resource.name,
            layout.short_type(resource.type),
            layout.physical_name(resource) or "",
            ", ".join(layout.marks(resource)),
        )
        for group in layout.groups(scope)
        for resource in group.members
        if layout.is_resource(resource)
    ]
    table = _table(("Stage", "Name", "Type", "On the platform", "Notes"), rows, room)
    return _folded(f"Resources of {scope.scope} ({len(rows)})", table) if rows else ""


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{_plain(title)}</summary>\n\n{body}\n</details>\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], room: int) -> str:
    lines = [_row(head), _row(["---"] * len(head))]
    room -= sum(_size(line) + 1 for line in lines)
    cut = 0
    for row in rows:
        line = _row([_cell(value) for value in row])
        room -= _size(line) + 1
        if room >= 0:
            lines.append(line)
        else:
            cut += 1
    more = f"\n… and {cut} more. {_MORE}\n" if cut else ""
    return "\n".join(lines) + "\n" + more


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Escape a text for a table; what stands between backticks stays code."""
    line = " ".join(text.split())
    line = line if len(line) <= _CELL else f"{line[: _CELL - 1]}…"
    pieces = line.split("`")
    if len(pieces) % 2 == 0:
        return _plain(line)
    escaped = (f"`{piece}`" if index % 2 and piece else _plain(piece) for index, piece in enumerate(pieces))
    return "".join(escaped).replace("|", "\\|")


def _plain(text: str) -> str:
    """Escape what Markdown, HTML or GitHub's mentions and references would read as theirs."""
    escaped = html.escape(text, quote=False)
    for mark in "\\`*_[]|~@":
        escaped = escaped.replace(mark, f"&#{ord(mark)};")
    return escaped
