"""A plan as JSON, for programs."""

from __future__ import annotations

import json
from typing import Any

from mlops_stacks.plan import Finding, Plan, PlannedResource
from mlops_stacks.reports.layout import summary


def document(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain data. Without an environment it covers all scopes; `outputs` are by scope."""
    return {
        "blueprint": plan.blueprint,
        "platform": plan.platform,
        "environment": plan.environment,
        "resources": [_resource(resource) for resource in plan.resources],
        "findings": [_finding(finding) for finding in plan.findings],
        "outputs": {scope.scope: scope.outputs for scope in plan.scopes},
        "summary": summary(plan),
    }


def render_json(plan: Plan) -> str:
    """Write the document; the same plan gives the same bytes."""
    return json.dumps(document(plan), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _resource(resource: PlannedResource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "stage": resource.stage,
        "scope": resource.scope,
        "platform": resource.platform,
        "inputs": resource.inputs,
        "dependencies": list(resource.dependencies),
        "options": resource.options,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "urn": finding.urn,
        "message": finding.message,
        "fix": finding.fix,
    }
