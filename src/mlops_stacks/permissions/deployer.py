"""The policy of whoever deploys a plan: what its resources take, on names that begin with the blueprint and its scope.

A deployer that may do everything is the usual way, and the reason why one leaked token costs an account. Here the
policy is read off the plan. It names what begins with `<blueprint>-<scope>-`, so that another model or release needs
no other policy; only the names of what is bounded by no such beginning are given in full.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlops_components.placement import aws_partition
from mlops_stacks.blueprint.vocabulary import SHARED
from mlops_stacks.permissions.aws_base import KEYS_AND_IDENTITIES, MESSAGES, NETWORK, STORAGE
from mlops_stacks.permissions.aws_stages import COMPUTE, DELIVERY, MACHINE_LEARNING
from mlops_stacks.permissions.row import Row, words
from mlops_stacks.plan import Plan, PlannedResource, ScopePlan

ROWS: Mapping[str, Row] = {
    **STORAGE,
    **KEYS_AND_IDENTITIES,
    **MESSAGES,
    **NETWORK,
    **MACHINE_LEARNING,
    **COMPUTE,
    **DELIVERY,
}
"""Resource type -> what it takes."""

SIZE_LIMIT = 6144
"""Characters of a managed policy, white space not counted (IAM User Guide, "IAM and AWS STS quotas")."""

_HASH = re.compile(r"-[0-9a-f]{10}$")
_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^@:]+)")
_OTHER_PLATFORMS = ("kubernetes:", "gcp:", "azure-native:", "pulumi-python:", "pulumi:")
Conditions = Mapping[str, Mapping[str, Sequence[str]]]


class NoPermissionsKnownError(Exception):
    """A plan has a resource type for which the table has no row; or nothing of AWS. The message is a sentence."""


@dataclass(frozen=True)
class DeployerPolicy:
    """What one scope's deployer may do, in one account: documents that each fit into a managed policy."""

    scope: str
    account: str
    documents: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class _Place:
    """Where a scope's resources are, and how their names begin."""

    blueprint: str
    scope: str
    account: str
    region: str

    @property
    def prefix(self) -> str:
        return f"{self.blueprint}-{self.scope}-"

    def tagged(self) -> Conditions:
        return {"StringEquals": {"aws:ResourceTag/blueprint": [self.blueprint]}}


@dataclass
class _Statements:
    """Permissions, gathered so that equal ones become one statement."""

    found: dict[tuple[str, str], tuple[set[str], set[str]]] = field(default_factory=dict)

    def allow(self, actions: Iterable[str], arns: Iterable[str], conditions: Conditions | None = None) -> None:
        """Allow actions on ARNs."""
        action_set, arn_set = set(actions), set(arns)
        if action_set and arn_set:
            key = (json.dumps(sorted(arn_set)), json.dumps(conditions or {}, sort_keys=True))
            self.found.setdefault(key, (set(), arn_set))[0].update(action_set)

    def rendered(self) -> Iterator[dict[str, Any]]:
        """The statements, those of the same actions and conditions as one, in an order of their content."""
        merged: dict[tuple[str, str], set[str]] = {}
        for (_, conditions), (actions, arns) in self.found.items():
            merged.setdefault((json.dumps(sorted(actions)), conditions), set()).update(arns)
        for (actions_text, conditions_text), arn_set in sorted(merged.items()):
            made: dict[str, Any] = {"Effect": "Allow", "Action": json.loads(actions_text)}
            made["Resource"] = sorted(arn_set)
            if conditions_text != "{}":
                made["Condition"] = json.loads(conditions_text)
            yield made


def deployer_policies(plan: Plan) -> tuple[DeployerPolicy, ...]:
    """For each scope of a plan that has something on AWS, what its deployer must be allowed.

    Raises `NoPermissionsKnownError` where the table does not know a resource type, or nothing is on AWS.
    """
    made = tuple(policy for scope in plan.scopes for policy in _of_scope(plan.blueprint, scope))
    if not made:
        raise NoPermissionsKnownError(
            f"{plan.blueprint} has nothing on AWS, and only AWS has permissions to list; nothing to do"
        )
    return made


def _of_scope(blueprint: str, scope: ScopePlan) -> Iterator[DeployerPolicy]:
    by_account: dict[str, list[tuple[PlannedResource, _Place]]] = {}
    for resource in scope.resources:
        if resource.is_component or resource.is_provider or resource.type.startswith(_OTHER_PLATFORMS):
            continue
        place = _place(blueprint, scope, resource)
        by_account.setdefault(place.account, []).append((resource, place))
    for account, resources in sorted(by_account.items()):
        statements = _Statements()
        for resource, place in resources:
            _take_in(statements, resource, place)
        _pass_roles(statements, [resource for resource, _ in resources], resources[0][1])
        yield DeployerPolicy(scope.scope, account, tuple(_documents(statements.rendered())))


def _place(blueprint: str, scope: ScopePlan, resource: PlannedResource) -> _Place:
    provider = scope.by_urn.get(str(resource.options.get("provider", "")))
    inputs = provider.inputs if provider else {}
    accounts = inputs.get("allowedAccountIds", "[]")
    found = json.loads(accounts) if isinstance(accounts, str) else list(accounts)
    region = str(resource.inputs.get("region") or inputs.get("region", "*"))
    return _Place(blueprint, scope.scope, str(found[0]) if found else "*", region)


def _take_in(statements: _Statements, resource: PlannedResource, place: _Place) -> None:
    row = ROWS.get(resource.type)
    if row is None:
        raise NoPermissionsKnownError(
            f"nobody has written down what deploying a {resource.type} takes ({resource.name}); "
            "add a row for it in mlops_stacks.permissions"
        )
    arns = [_filled(template, resource, place, row) for template in row.arns]
    bounded, boundary = _boundary(resource)
    statements.allow((action for action in words(row.actions) if action not in bounded), arns)
    statements.allow(bounded, arns, boundary)
    statements.allow(words(row.anywhere), ["*"])
    statements.allow(words(row.own), arns, place.tagged())
    statements.allow(words(row.tagging), arns, {"StringEquals": {"aws:RequestTag/blueprint": [place.blueprint]}})
    for service in row.linked:
        if _uses(resource, service):
            partition = aws_partition(place.region)
            statements.allow(
                ["iam:CreateServiceLinkedRole"],
                [f"arn:{partition}:iam::{place.account}:role/aws-service-role/{service}/*"],
                {"StringEquals": {"iam:AWSServiceName": [service]}},
            )
    _keys(statements, resource, place, row)
    _images(statements, resource, place, row)


def _boundary(resource: PlannedResource) -> tuple[tuple[str, ...], Conditions]:
    """A role that must have a boundary can be made only with it: the actions, and the condition on them."""
    boundary = resource.inputs.get("permissionsBoundary")
    if resource.type != "aws:iam/role:Role" or not isinstance(boundary, str):
        return (), {}
    return words("iam: CreateRole PutRolePermissionsBoundary"), {
        "StringEquals": {"iam:PermissionsBoundary": [boundary]}
    }


def _uses(resource: PlannedResource, service: str) -> bool:
    namespace = resource.inputs.get("serviceNamespace")
    return not isinstance(namespace, str) or service.startswith(f"{namespace}.")


def _keys(statements: _Statements, resource: PlannedResource, place: _Place, row: Row) -> None:
    if not row.key and not row.key_for_services:
        return
    for adopted in sorted(set(_key_arns(resource.inputs))):
        arn, conditions = adopted, dict[str, Mapping[str, Sequence[str]]]()
        if not adopted.startswith("arn:"):
            arn = f"arn:{aws_partition(place.region)}:kms:{place.region}:{place.account}:key/*"
            conditions.update(place.tagged())
        statements.allow(words(row.key), [arn], conditions)
        for_services = {**conditions, "Bool": {"kms:GrantIsForAWSResource": ["true"]}}
        statements.allow(words(row.key_for_services), [arn], for_services)


def _images(statements: _Statements, resource: PlannedResource, place: _Place, row: Row) -> None:
    """Lambda Developer Guide, "Amazon ECR permissions": another account's caller must hold them himself."""
    found = _IMAGE.match(str(resource.inputs.get("imageUri", ""))) if row.image else None
    if found:
        account, region, name = found.groups()
        name = _bounded(name, f"{place.blueprint}-{SHARED}-")
        statements.allow(words(row.image), [f"arn:{aws_partition(region)}:ecr:{region}:{account}:repository/{name}"])


def _bounded(name: str, prefix: str) -> str:
    """A name, or whatever begins like it where that is this blueprint's."""
    return name.partition(prefix)[0] + prefix + "*" if prefix in name else name


def _key_arns(value: Any) -> Iterator[str]:
    """The keys that a resource refers to: ARNs of keys that exist, and tokens of those that the plan makes."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _key_arns(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _key_arns(item)
    elif isinstance(value, str) and re.fullmatch(r"arn:[\w-]+:kms:[^{}]+|\$\{[^{}]*kms/key:Key[^{}]*\}", value):
        yield value


def _filled(template: str, resource: PlannedResource, place: _Place, row: Row) -> str:
    known = {"partition": aws_partition(place.region), "region": place.region, "account": place.account}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1]) or _named(found[1], resource, place, row), template)


def _named(key: str, resource: PlannedResource, place: _Place, row: Row) -> str:
    value = resource.inputs.get(key)
    if not isinstance(value, str) or "${" in value:
        return "*"
    name = value.removeprefix("https://")
    bounded = _bounded(name, place.prefix)
    return _HASH.sub("-*", name) if row.hashed and bounded == name else bounded


def _pass_roles(statements: _Statements, resources: Sequence[PlannedResource], place: _Place) -> None:
    """Roles may be handed to the services that their trust policies name, and to no other."""
    for role in resources:
        if role.type == "aws:iam/role:Role" and isinstance(role.inputs.get("assumeRolePolicy"), str):
            services = sorted(set(_trusted(json.loads(role.inputs["assumeRolePolicy"]))))
            arn = _filled("arn:{partition}:iam::{account}:role/{name}", role, place, ROWS[role.type])
            if services:
                statements.allow(["iam:PassRole"], [arn], {"StringEquals": {"iam:PassedToService": services}})


def _trusted(trust: Mapping[str, Any]) -> Iterator[str]:
    for statement in trust.get("Statement", ()):
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, Mapping) else []
        yield from [services] if isinstance(services, str) else services


def _documents(statements: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Documents of at most `SIZE_LIMIT` characters; a statement that is larger alone is divided by its resources."""
    document: list[Mapping[str, Any]] = []
    for statement in (part for whole in statements for part in _divided(whole)):
        if document and _size([*document, statement]) > SIZE_LIMIT:
            yield _document(document)
            document = []
        document.append(statement)
    if document:
        yield _document(document)


def _divided(statement: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if _size([statement]) <= SIZE_LIMIT or len(statement["Resource"]) == 1:
        yield statement
        return
    middle = len(statement["Resource"]) // 2
    for half in (statement["Resource"][:middle], statement["Resource"][middle:]):
        yield from _divided({**statement, "Resource": half})


def _document(statements: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _size(statements: Sequence[Mapping[str, Any]]) -> int:
    return len(re.sub(r"\s", "", json.dumps(_document(statements))))
