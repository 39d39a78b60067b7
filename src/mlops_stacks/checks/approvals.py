"""Checks that somebody hears when a person's word is waited for: a run that nobody knows of waits until it expires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlops_stacks.plan import Finding, Plan, Severity

RULES = {"unheard-approval": "somebody is told when a pipeline waits for approval"}

_PIPELINE = "aws:codepipeline/pipeline:Pipeline"


def find(plan: Plan) -> Iterator[Finding]:
    """Yield the pipelines that ask nobody."""
    for resource in plan.resources:
        if resource.type == _PIPELINE:
            unheard = [action["name"] for action in _approvals(resource.inputs) if not _told(action)]
            if unheard:
                yield Finding(
                    "unheard-approval",
                    Severity.WARNING,
                    resource.urn,
                    f"{resource.name} waits for approval before {', '.join(unheard)}, and nobody is told",
                    "write `notifications: [{email: team@example.com, on: [approval]}]`, or look into the console "
                    "after each push",
                )


def _approvals(inputs: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for stage in inputs.get("stages") or ():
        yield from (action for action in stage.get("actions") or () if action.get("category") == "Approval")


def _told(action: Mapping[str, Any]) -> bool:
    return bool((action.get("configuration") or {}).get("NotificationArn"))
