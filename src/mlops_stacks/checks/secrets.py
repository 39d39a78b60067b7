"""Checks that no credential stands in a plan in plain text.

Inputs that an SDK declares secret are masked by the SDK itself. What is left are credentials in free maps, such as
environment variables, where nobody but the key's name says what the value is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_stacks.checks.values import is_known_text, leaves
from mlops_stacks.plan import Finding, Plan, Severity

RULES = {"plain-secret": "no password, key or token stands in an input or output in plain text"}

_CREDENTIAL = re.compile(
    r"(?:password|passwd|passphrase|private_?key|secret_?key|secret_?access_?key|client_?secret|api_?key"
    r"|(?:access|auth|api|bearer|oauth|github|gitlab|session)_?token)$|^token$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"^(arn:|secretref|vault:|projects/[^/]+/secrets/|https://[^/]+\.vault\.|\$\{|\{\{)")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield each plain value under a name that only credentials have."""
    for resource in plan.resources:
        for path in _plain(resource.inputs):
            yield Finding(
                "plain-secret",
                Severity.ERROR,
                resource.urn,
                f"{resource.name} ({resource.type}): `{path}` looks like a credential and is in plain text",
                "name a secret of the platform's secret store in the blueprint's `secrets`, and refer to it",
            )
    for scope in plan.scopes:
        root = scope.resources[0].urn if scope.resources else ""
        for path in _plain(scope.outputs):
            yield Finding(
                "plain-secret",
                Severity.ERROR,
                root,
                f"output `{path}` of scope {scope.scope!r} looks like a credential and is in plain text",
                "wrap it in pulumi.Output.secret, or leave it out",
            )


def _plain(value: Mapping[str, Any]) -> Iterator[str]:
    for path, leaf in leaves(value):
        if _is_credential(path.rsplit(".", 1)[-1]) and _is_plain(leaf):
            yield path
    yield from _plain_variables(value, "")


def _plain_variables(value: Any, path: str) -> Iterator[str]:
    """Find environment variables written as a list of objects with a name and a value."""
    if isinstance(value, Mapping):
        if _is_credential(str(value.get("name", ""))) and _is_plain(value.get("value")):
            yield f"{path}.value" if path else "value"
        for key, item in value.items():
            yield from _plain_variables(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _plain_variables(item, f"{path}[{index}]")


def _is_credential(key: str) -> bool:
    return _CREDENTIAL.search(key) is not None


def _is_plain(value: Any) -> bool:
    return bool(value) and is_known_text(value) and _REFERENCE.match(value) is None
