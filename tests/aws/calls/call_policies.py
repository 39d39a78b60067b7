"""What a policy allows, decided as IAM decides it: a deny wins, and nothing is allowed that no statement says.

It knows the condition operators that policies here use and refuses the others, so that no condition is passed over.
Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Need:
    """One action on one resource, in the circumstances in which AWS would look at it."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        when = "".join(f", {key}={value}" for key, value in self.context.items())
        return f"{self.action} on {self.resource}{when}"


@dataclass(frozen=True)
class Permission:
    """One action on one (pattern of a) resource that a statement allows."""

    action: str
    resource: str
    conditions: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict, hash=False)

    def covers(self, need: Need) -> bool:
        """Whether this alone allows the need."""
        return (
            _like(self.action.lower(), need.action.lower())
            and _like(self.resource, need.resource)
            and _conditions_hold(self.conditions, need.context)
        )

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}" + (f" if {self.conditions}" if self.conditions else "")


def permissions(document: Mapping[str, Any], effect: str = "Allow") -> Iterator[Permission]:
    """Every permission that a policy document gives (or, with `Deny`, refuses), one action and resource at a time."""
    for statement in document["Statement"]:
        if statement["Effect"] == effect:
            unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
            assert not unknown, f"this reading of policies does not know {sorted(unknown)}"
            for action in _list(statement["Action"]):
                for resource in _list(statement.get("Resource", "*")):
                    yield Permission(action, resource, statement.get("Condition", {}))


def allows(document: Mapping[str, Any], need: Need) -> bool:
    """Whether a document allows the need and does not deny it."""
    if any(denial.covers(need) for denial in permissions(document, "Deny")):
        return False
    return any(permission.covers(need) for permission in permissions(document))


def missing(document: Mapping[str, Any], needs: Sequence[Need]) -> list[Need]:
    """The needs that a document does not allow, each once."""
    return [need for need in dict.fromkeys(needs) if not allows(document, need)]


def unused(document: Mapping[str, Any], needs: Sequence[Need]) -> list[Permission]:
    """The permissions that none of the needs asks for."""
    return [one for one in permissions(document) if not any(one.covers(need) for need in needs)]


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _like(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` and `?`, everything else as it stands (an ARN may contain brackets)."""
    plain = pattern.replace("[", "[[]")
    return re.fullmatch(fnmatch.translate(plain), text) is not None


def _text(test: Callable[[str, str], bool]) -> Callable[[str, Sequence[str]], bool]:
    return lambda found, wanted: any(test(one, found) for one in wanted)


_OPERATORS: Mapping[str, Callable[[str, Sequence[str]], bool]] = {
    "StringEquals": _text(lambda wanted, found: wanted == found),
    "StringNotEquals": lambda found, wanted: found not in wanted,
    "StringLike": _text(_like),
    "ArnLike": _text(_like),
    "ArnEquals": _text(_like),
    "Bool": _text(lambda wanted, found: wanted.lower() == found.lower()),
    "NumericLessThan": _text(lambda wanted, found: float(found) < float(wanted)),
}


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _holds(operator, context.get(key), _list(wanted))
        for operator, tests in conditions.items()
        for key, wanted in tests.items()
    )


def _holds(operator: str, found: str | None, wanted: Sequence[str]) -> bool:
    if operator == "Null":
        return (found is None) is (wanted[0].lower() == "true")
    name = operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:").removesuffix("IfExists")
    assert name in _OPERATORS, f"this reading of policies does not know the operator {operator}"
    if found is None:
        # A key that the request lacks makes a condition false, unless it says otherwise or is about what is not.
        return operator.endswith("IfExists") or operator.startswith("ForAllValues:") or name == "StringNotEquals"
    return _OPERATORS[name](found, wanted)
