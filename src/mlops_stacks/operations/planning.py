"""Plan every scope of a blueprint, offline, and check the result."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlops_stacks.checks import check
from mlops_stacks.compose.overrides import matches
from mlops_stacks.compose.program import compose
from mlops_stacks.executors.planner import plan_scope
from mlops_stacks.operations.cautions import cautions
from mlops_stacks.plan import Finding, Plan, ScopePlan, Severity
from mlops_stacks.project import Project


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Let no garbage be looked for: almost all that a plan and the provider SDKs make is there to stay.

    The search costs a tenth of a cold plan, and most of the time of one of hundreds of models (benchmarks/README.md).
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_collector_paused()
def plan(project: Project, environment: str | None = None) -> Plan:
    """The checked plan of an environment (with the shared scope it stands on), or of all scopes.

    Raises `UnknownEnvironmentError`, and what a component says of arguments it cannot take.
    """
    earlier: dict[str, Mapping[str, Any]] = {}
    scopes: list[ScopePlan] = []
    for scope in project.scopes(environment):
        identity = project.identity(scope)
        planned = plan_scope(
            lambda scope=scope: compose(project, scope),  # type: ignore[misc]
            identity,
            scope=scope,
            platform=project.blueprint.platform.value,
            earlier=earlier,
        )
        earlier[identity.full_name] = planned.outputs
        scopes.append(planned)
    unchecked = Plan(project.blueprint.name, project.blueprint.platform.value, environment, tuple(scopes))
    return unchecked.with_findings(
        [
            *check(unchecked),
            *_override_findings(project, unchecked),
            *cautions(project, [each.scope for each in scopes]),
        ]
    )


def _override_findings(project: Project, plan: Plan) -> Iterator[Finding]:
    """Each override is shown; one that matches nothing anywhere is an error."""
    patched: dict[str, bool] = {}
    for scope in plan.scopes:
        for override in project.blueprint.scope(scope.scope).settings.overrides:
            pattern = f"{override.type} {override.name}"
            patched.setdefault(pattern, False)
            for resource in scope.resources:
                if resource.custom and matches(override, resource.type, resource.name):
                    patched[pattern] = True
                    properties = ", ".join(override.set)
                    yield Finding(
                        "override", Severity.INFO, resource.urn, f"an override sets {properties}", "nothing to do"
                    )
    for pattern, found in patched.items():
        if not found:
            yield Finding(
                "override-matches-nothing",
                Severity.ERROR,
                "",
                f"the override of `{pattern}` matches no resource",
                "compare its type and name with those in `mlops-stacks plan`",
            )
