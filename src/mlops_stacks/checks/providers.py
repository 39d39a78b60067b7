"""Checks that every resource goes to a target that the blueprint names."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_stacks.plan import Finding, Plan, Severity

RULES = {"default-provider": "every resource has an explicit provider: it goes to the target that the blueprint names"}

_WITHOUT_PROVIDER = ("pulumi:", "pulumi-python:")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield every resource that would go wherever the shell's credentials happen to point."""
    for resource in plan.resources:
        if resource.custom and "provider" not in resource.options and not resource.type.startswith(_WITHOUT_PROVIDER):
            package = resource.type.split(":", 1)[0]
            yield Finding(
                "default-provider",
                Severity.ERROR,
                resource.urn,
                f"{resource.name} ({resource.type}) has no explicit {package} provider, so it would go wherever the "
                "credentials of the shell point",
                f"give its component the {package} provider of the target, and create it with `parent` set to it",
            )
