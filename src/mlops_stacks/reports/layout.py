"""What the reports share: how a plan is grouped, counted and worded."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.plan import Finding, Plan, PlannedResource, ScopePlan, Severity

STACK = "pulumi:pulumi:Stack"
REFERENCE = "pulumi:pulumi:StackReference"
OTHER = "other"
"""The group of what belongs to no stage: what only connects a stack to its target or to another stack."""

_TOKEN = re.compile(r"\$\{urn:[^#{}]*::(?P<name>[^#{}:]+)#(?P<output>[^{}#]*)\}")
_NAME = re.compile(r"[^\s{}\[\]]{1,200}")
_ORDER = {stage.value: index for index, stage in enumerate(Stage)}
_SEVERITIES = {severity: index for index, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Group:
    """The resources of one stage in one scope, in the order of the plan."""

    stage: str
    platforms: tuple[str, ...]
    members: tuple[PlannedResource, ...]

    @property
    def components(self) -> int:
        """How many only group others."""
        return sum(member.is_component for member in self.members)

    @property
    def resources(self) -> int:
        """How many the platform will hold."""
        return sum(map(is_resource, self.members))


def is_resource(resource: PlannedResource) -> bool:
    """Whether a platform will hold this: neither a component, nor a provider, nor a reference to another stack."""
    return resource.custom and not resource.is_provider and resource.type != REFERENCE


def groups(scope: ScopePlan) -> tuple[Group, ...]:
    """Group a scope by stage, in display order; the stack itself is left out."""
    members: dict[str, list[PlannedResource]] = {}
    for resource in scope.resources:
        if resource.type != STACK:
            members.setdefault(resource.stage or OTHER, []).append(resource)
    ordered = sorted(members, key=lambda stage: (_ORDER.get(stage, len(_ORDER)), stage))
    return tuple(
        Group(stage, tuple(sorted({member.platform for member in members[stage]})), tuple(members[stage]))
        for stage in ordered
    )


def summary(plan: Plan) -> dict[str, Any]:
    """Count what a plan holds."""
    scopes = {scope.scope: _scope_summary(scope) for scope in plan.scopes}
    severities = Counter(finding.severity for finding in plan.findings)
    totals = {key: sum(counts[key] for counts in scopes.values()) for key in ("resources", "components", "providers")}
    findings = {severity.value: severities[severity] for severity in Severity}
    return {**totals, "findings": findings, "scopes": scopes}


def _scope_summary(scope: ScopePlan) -> dict[str, Any]:
    grouped = groups(scope)
    return {
        "stack": scope.stack,
        "resources": sum(group.resources for group in grouped),
        "components": sum(group.components for group in grouped),
        "providers": sum(resource.is_provider for resource in scope.resources),
        "stages": {group.stage: group.resources for group in grouped if group.stage != OTHER},
    }


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put the worst first, and leave the order otherwise."""
    return tuple(sorted(findings, key=lambda finding: _SEVERITIES[finding.severity]))


def counted(number: int, word: str) -> str:
    """Write a number with its noun."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def counted_findings(findings: Iterable[Finding]) -> str:
    """Write how many findings there are of each severity."""
    severities = Counter(finding.severity for finding in findings)
    parts = [counted(severities[severity], severity.value) for severity in Severity if severities[severity]]
    return ", ".join(parts) or "no findings"


def title(plan: Plan) -> str:
    """Say what was planned."""
    scopes = ", ".join(scope.scope for scope in plan.scopes) or "nothing"
    return f"{plan.blueprint} on {plan.platform}: {scopes}"


def short_type(type_: str) -> str:
    """Shorten a type token to what a reader needs: `aws:s3/bucket:Bucket` to `aws.s3.Bucket`."""
    if type_.startswith("pulumi:providers:"):
        return f"{type_.rsplit(':', 1)[1]} provider"
    package, module, name = [*type_.split(":"), "", ""][:3]
    if package in ("mlops-stacks", "pulumi"):
        return name
    if package == "pulumi-python":
        return f"{module.removeprefix('dynamic').strip('/')}.{name}".lstrip(".") if name else module
    first = module.split("/")[0]
    return ".".join(part for part in (package, first if first != "index" else "", name) if part)


def physical_name(resource: PlannedResource) -> str | None:
    """Find the name that the platform will show, if the inputs say it and it is known."""
    kind = resource.type.rsplit(":", 1)[-1]
    own = f"{kind[:1].lower()}{kind[1:]}"
    candidates = ("name", own, f"{own}Name", "path")
    for key in candidates:
        value = resource.inputs.get(key)
        if isinstance(value, str) and value != resource.name and _NAME.fullmatch(value):
            return value
    return None


def marks(resource: PlannedResource) -> tuple[str, ...]:
    """Name what is special about a resource."""
    options = resource.options
    said = (
        ("protect", "protected"),
        ("retainOnDelete", "retained"),
        ("read", "exists already"),
        ("import", "imported"),
    )
    return tuple(word for option, word in said if options.get(option))


def readable(value: Any, limit: int = 120) -> str:
    """Write a value in one line, references to other resources in words."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = _TOKEN.sub(lambda match: f"<{match['output']} of {match['name']}>", text)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def name_in(urn: str) -> str:
    """Read the logical name in a URN."""
    return urn.rsplit("::", 1)[-1]


def outputs(scope: ScopePlan) -> Iterator[tuple[str, str]]:
    """Yield a scope's outputs, one line each; those inside an object by their path."""
    yield from _flat(scope.outputs, "")


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key in sorted(values):
        value = values[key]
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", readable(value)
