"""Checks that what a platform cannot update in place is replaced when its spec changes.

Under a fixed physical name a replacement collides with its predecessor; under a hash in the logical name the engine
takes it for another resource, and cannot order the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mlops_stacks.checks.values import is_known_text, is_read
from mlops_stacks.plan import Finding, Plan, PlannedResource, Severity

RULES = {
    "immutable-name": "the physical name of a resource that cannot be updated ends with a hash of its spec",
    "hash-in-logical-name": "the logical name of such a resource has no hash in it",
}

IMMUTABLE: Mapping[str, str] = {
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": "name",
    "aws:sagemaker/model:Model": "name",
    "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition": "name",
    "aws:ec2/launchConfiguration:LaunchConfiguration": "name",
}
"""Types that their platform cannot update in place, each with the input that holds the physical name."""

_HASHED = re.compile(r"-(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}$")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield immutable resources whose names would not let them be replaced."""
    for resource in plan.resources:
        if resource.type in IMMUTABLE and not is_read(resource):
            yield from _names(resource, IMMUTABLE[resource.type])


def _names(resource: PlannedResource, key: str) -> Iterator[Finding]:
    name = resource.inputs.get(key)
    if name is None or (is_known_text(name) and not _HASHED.search(name)):
        said = "no physical name" if name is None else f"the physical name {name!r} without a hash"
        yield Finding(
            "immutable-name",
            Severity.ERROR,
            resource.urn,
            f"{resource.name} ({resource.type}) cannot be updated in place and has {said}",
            f"set `{key}` to a name that ends with a hash of the rest of its inputs",
        )
    if _HASHED.search(resource.name):
        yield Finding(
            "hash-in-logical-name",
            Severity.ERROR,
            resource.urn,
            f"{resource.name} ({resource.type}) has a hash in its logical name, so every change makes a new resource",
            f"keep the logical name constant and put the hash into `{key}`",
        )
