"""Permissions as data: what one component lets another do, before anybody has a role.

A component describes access to its resources as grants; the composition collects the grants that a stage needs into
one identity. A grant names its actions and resources in full. What has a wildcard for an action, or everything for a
resource, is refused here, so that it can never reach a policy.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict


class AwsGrant(TypedDict):
    """Permission to do some things with some resources."""

    actions: list[str]
    """Full names of API actions, e.g. `s3:GetObject`."""
    resources: list[pulumi.Input[str]]
    """ARNs. `*` at the end of a path is allowed, `*` for everything is not."""
    conditions: NotRequired[dict[str, dict[str, list[pulumi.Input[str]]]]]
    """Operator -> condition key -> values, e.g. `StringEquals` -> `kms:ViaService` -> …. Default: none."""


class GrantError(ValueError):
    """A grant allows more than it may; the message is one sentence that says what to write."""


# Actions without resource-level permissions, for which AWS takes no other resource than `*`. Source: the tables
# "Actions defined by …" in the Service Authorization Reference, of actions whose resource column is empty.
ONLY_ON_EVERYTHING = frozenset(
    {
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "cloudwatch:PutMetricData",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "logs:DescribeLogGroups",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_WHOLE_SERVICE = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:\*+")


def aws_grant(
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    conditions: Optional[Mapping[str, Mapping[str, Sequence[pulumi.Input[str]]]]] = None,
) -> AwsGrant:
    """Return the grant, or raise `GrantError` where it is wider than a grant may be."""
    grant: AwsGrant = {"actions": list(actions), "resources": list(resources)}
    if conditions:
        grant["conditions"] = {
            operator: {key: list(values) for key, values in test.items()} for operator, test in conditions.items()
        }
    check_grant(grant)
    return grant


def check_grant(grant: AwsGrant) -> None:
    """Raise `GrantError` unless `grant` names its actions in full and its resources narrowly."""
    if not grant["actions"] or not grant["resources"]:
        raise GrantError("a grant needs at least one action and one resource; leave the grant out instead.")
    for action in grant["actions"]:
        if not _ACTION.fullmatch(action):
            raise GrantError(
                f"the action '{action}' is not the full name of one action; name each action that is used."
            )
    for resource in grant["resources"]:
        if isinstance(resource, str) and (resource == "*" or _WHOLE_SERVICE.fullmatch(resource)):
            _check_everything(grant["actions"], resource)


def _check_everything(actions: Iterable[str], resource: str) -> None:
    narrow = sorted(set(actions) - ONLY_ON_EVERYTHING)
    if narrow:
        raise GrantError(
            f"'{narrow[0]}' is granted on '{resource}', that is, on everything; name the ARNs that it is used on."
        )


def policy_document(grants: Sequence[AwsGrant]) -> pulumi.Output[str]:
    """Return the identity policy for `grants` as JSON.

    Grants on the same resources are merged, then grants of the same actions; the order of the result depends on its
    content only, so that two runs give the same bytes.
    """
    for grant in grants:
        check_grant(grant)
    return pulumi.Output.from_input([{**grant} for grant in grants]).apply(_render)


def _render(grants: Sequence[Any]) -> str:
    by_resources: dict[str, set[str]] = {}
    for grant in grants:
        check_grant(grant)  # once more, because a resource may have been an output until now
        resources = _key(sorted(set(grant["resources"])), grant.get("conditions") or {})
        by_resources.setdefault(resources, set()).update(grant["actions"])
    by_actions: dict[str, set[str]] = {}
    for key, actions in by_resources.items():
        resources_of_key, conditions = json.loads(key)
        by_actions.setdefault(_key(sorted(actions), conditions), set()).update(resources_of_key)
    statements = []
    for key, resource_set in by_actions.items():
        actions_of_key, conditions = json.loads(key)
        statements.append(statement("Allow", actions_of_key, sorted(resource_set), conditions=conditions))
    return document(sorted(statements, key=lambda one: json.dumps(one, sort_keys=True)))


def _key(members: Sequence[str], conditions: Mapping[str, Any]) -> str:
    return json.dumps([members, conditions], sort_keys=True)


def statement(
    effect: str,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    sid: Optional[str] = None,
    principals: Optional[Mapping[str, Any]] = None,
    conditions: Optional[Mapping[str, Any]] = None,
) -> dict[str, Any]:
    """Return one statement of a policy document; `principals` makes it one of a resource policy."""
    made: dict[str, Any] = {"Effect": effect, "Action": list(actions)}
    if resources:
        made["Resource"] = list(resources)
    if sid:
        made["Sid"] = sid
    if principals:
        made["Principal"] = dict(principals)
    if conditions:
        made["Condition"] = dict(conditions)
    return made


def document(statements: Sequence[Mapping[str, Any]]) -> str:
    """Return the policy document of `statements` as JSON, the same bytes for the same content."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
