"""A large plan by hand: every stage in three environments, as a platform on a cloud would have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlops_stacks.blueprint.vocabulary import COMPOSITION_ORDER, SHARED, Stage
from mlops_stacks.plan import SECRET, Finding, Plan, PlannedResource, ScopePlan, Severity

ROOT = "urn:pulumi:large-{scope}::mlops-stacks::"
PARTS = (
    "key",
    "bucket",
    "bucket-encryption",
    "bucket-policy",
    "role",
    "role-policy",
    "topic",
    "rule",
    "alarm",
    "log-group",
)
ENVIRONMENTS = ("dev", "staging", "prod")
SHARED_STAGES = (Stage.FOUNDATION, Stage.MODEL_REGISTRY, Stage.CONTINUOUS_INTEGRATION, Stage.PIPELINE_DELIVERY)


def large_plan(resources: int = 300) -> Plan:
    """A plan of exactly that many resources, a tenth of them shared, the rest in three environments."""
    shares = {SHARED: resources // 10}
    for index, environment in enumerate(ENVIRONMENTS):
        shares[environment] = (resources - sum(shares.values())) // (len(ENVIRONMENTS) - index)
    scopes = []
    for scope, share in shares.items():
        members = tuple(_members(scope, SHARED_STAGES if scope == SHARED else COMPOSITION_ORDER, share))
        scopes.append(ScopePlan(scope, f"large-{scope}", members, {"foundation": {"bucket": members[2].name}}))
    plan = Plan("large", "aws", None, tuple(scopes))
    return plan.with_findings(_findings(plan))


def _members(scope: str, stages: tuple[Stage, ...], count: int) -> Iterator[PlannedResource]:
    stack = _resource(scope, "pulumi:pulumi:Stack", f"large-{scope}", None, None)
    yield replace(stack, custom=False)
    previous: PlannedResource | None = None
    for index, stage in enumerate(stages):
        name = stage.value.replace("_", "-")
        component = replace(
            _resource(scope, f"mlops-stacks:index:Aws{name.title()}", name, stack.urn, stage), custom=False
        )
        yield component
        size = count // len(stages) + (index < count % len(stages))
        key: PlannedResource | None = None
        for number in range(size):
            part = PARTS[number % len(PARTS)] + (f"-{number // len(PARTS)}" if number >= len(PARTS) else "")
            needs = [each for each in (key, previous) if each is not None and number % 3 != 1]
            made = _resource(scope, f"aws:s3/thing:{part.title()}", f"{name}-{part}", component.urn, stage, *needs)
            key = key or made
            previous = made
            yield made


def _resource(
    scope: str, type_: str, name: str, parent: str | None, stage: Stage | None, *needs: PlannedResource
) -> PlannedResource:
    days = {"dev": 7, "staging": 30, "prod": 400}.get(scope, 30)
    inputs = {
        "name": f"large-{scope}-{name}",
        "days": days,
        "password": SECRET,
        "policy": '{"Statement": [{"Effect": "Allow"}]}',
        "needs": [f"${{{need.urn}#arn}}" for need in needs],
    }
    return PlannedResource(
        urn=f"{ROOT.format(scope=scope)}{type_}::{name}",
        type=type_,
        name=name,
        parent=parent,
        stage=stage.value if stage else None,
        scope=scope,
        platform="aws",
        inputs=inputs if stage else {},
        dependencies=tuple(need.urn for need in needs),
        options={"protect": True} if "bucket" in name and scope == "prod" else {},
        source="mlops_components/things.py:12",
    )


def _findings(plan: Plan) -> Iterator[Finding]:
    found = [resource for resource in plan.resources if resource.name.endswith("-role-policy")]
    levels = (Severity.WARNING, Severity.INFO, Severity.ERROR)
    for number, resource in enumerate(found[:9]):
        message = f"`{resource.name}` allows more than one action"
        yield Finding("wide-policy", levels[number % 3], resource.urn, message, "name the actions that are used")
