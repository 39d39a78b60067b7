"""Checks that AWS permissions are exactly the grants in use: nothing by wildcard, no managed all-round policy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_stacks.checks.values import is_read
from mlops_stacks.plan import Finding, Plan, PlannedResource, Severity

RULES = {
    "wildcard-action": "a policy allows named actions, never all of a service",
    "wildcard-resource": "a policy allows access to named resources, never to all",
    "public-principal": "a policy trusts named principals, never everyone",
    "broad-managed-policy": "no role has one of AWS's managed policies that give full access",
    "unreadable-policy": "a policy document is JSON",
}

_DOCUMENTS: Mapping[str, tuple[str, ...]] = {
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("policy",),
    "aws:iam/policy:Policy": ("policy",),
    "aws:iam/role:Role": ("assumeRolePolicy",),
    "aws:iam/rolePolicy:RolePolicy": ("policy",),
    "aws:kms/key:Key": ("policy",),
    "aws:kms/keyPolicy:KeyPolicy": ("policy",),
    "aws:s3/bucketPolicy:BucketPolicy": ("policy",),
    "aws:secretsmanager/secretPolicy:SecretPolicy": ("policy",),
    "aws:sns/topicPolicy:TopicPolicy": ("policy",),
    "aws:sqs/queuePolicy:QueuePolicy": ("policy",),
}
_ATTACHMENTS: Mapping[str, str] = {
    "aws:iam/policyAttachment:PolicyAttachment": "policyArn",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn",
    "aws:iam/role:Role": "managedPolicyArns",
}

# In the policy of a key, "*" means that key.
_NAMES_ITSELF = frozenset({"aws:kms/key:Key", "aws:kms/keyPolicy:KeyPolicy"})

# Actions for which IAM accepts no resource but "*" (Service Authorization Reference, column "Resource types" empty).
_WITHOUT_RESOURCE = frozenset(
    {
        "cloudwatch:getmetricdata",
        "cloudwatch:listmetrics",
        "cloudwatch:putmetricdata",
        "ec2:createnetworkinterface",
        "ec2:describedhcpoptions",
        "ec2:describenetworkinterfaces",
        "ec2:describesecuritygroups",
        "ec2:describesubnets",
        "ec2:describevpcendpoints",
        "ec2:describevpcs",
        "ecr:getauthorizationtoken",
        "logs:describeloggroups",
        "sagemaker:listapps",
        "sagemaker:listdomains",
        "sagemaker:listspaces",
        "sagemaker:listuserprofiles",
        "sts:getcalleridentity",
        "elasticloadbalancing:describelisteners",
        "elasticloadbalancing:describerules",
        "elasticloadbalancing:describetargetgroups",
        "elasticloadbalancing:describetargethealth",
        "xray:puttelemetryrecords",
        "xray:puttracesegments",
    }
)

_BROAD = re.compile(r"^arn:[\w-]+:iam::aws:policy/(?:.*/)?(?:\w*FullAccess\w*|AdministratorAccess|PowerUserAccess)$")
_ROOT = re.compile(r"arn:[\w-]+:iam::[^:]+:root")
# `bucket/*` names one bucket, hence the account: S3 has none in its ARNs, and everywhere else `type/*` means all.
_ALL_OF_A_SERVICE = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(?:[^:]*:\*|[^:]+:[\w-]+[/:]\*)")

# A network interface has no name before AWS makes it: where it may be made is said by its subnet.
_UNNAMED = ":network-interface/*"
_SUBNET = "ec2:subnet"

# The key of another account's scope is known by its alias only, which a condition can demand.
_ALL_KEYS = re.compile(r"arn:[^:]+:kms:[^:*]+:[0-9]{12}:key/\*")
_ALIAS = "kms:resourcealiases"


@dataclass(frozen=True, slots=True)
class _Statement:
    resource: PlannedResource
    where: str
    body: Mapping[str, Any]

    def finding(self, rule: str, said: str, fix: str) -> Finding:
        message = f"{self.resource.name} ({self.resource.type}): {self.where} {said}"
        return Finding(rule, Severity.ERROR, self.resource.urn, message, fix)


def find(plan: Plan) -> Iterator[Finding]:
    """Yield every permission that is wider than a grant."""
    for resource in plan.resources:
        if resource.type.startswith("aws:") and not is_read(resource):
            yield from _managed(resource)
            for where, text in _documents(resource):
                yield from _document(resource, where, text)


def _managed(resource: PlannedResource) -> Iterator[Finding]:
    for arn in _many(resource.inputs.get(_ATTACHMENTS.get(resource.type, ""))):
        if isinstance(arn, str) and _BROAD.match(arn):
            yield Finding(
                "broad-managed-policy",
                Severity.ERROR,
                resource.urn,
                f"{resource.name} ({resource.type}) attaches {arn}, which gives full access",
                "write a policy with the actions and resources that are used",
            )


def _documents(resource: PlannedResource) -> Iterator[tuple[str, Any]]:
    for key in _DOCUMENTS.get(resource.type, ()):
        if key in resource.inputs:
            yield key, resource.inputs[key]
    if resource.type == "aws:iam/role:Role":
        for index, inline in enumerate(_many(resource.inputs.get("inlinePolicies"))):
            if isinstance(inline, Mapping) and "policy" in inline:
                yield f"inlinePolicies[{index}].policy", inline["policy"]


def _document(resource: PlannedResource, where: str, text: Any) -> Iterator[Finding]:
    document = text
    if isinstance(text, str):
        if not text.lstrip().startswith("{"):
            return  # another resource's output, unknown or masked: its own resource is checked
        try:
            document = json.loads(text)
        except ValueError:
            yield Finding(
                "unreadable-policy",
                Severity.ERROR,
                resource.urn,
                f"{resource.name} ({resource.type}): `{where}` is not JSON",
                "render it with json.dumps or pulumi.Output.json_dumps",
            )
            return
    for index, body in enumerate(_many(document.get("Statement")) if isinstance(document, Mapping) else ()):
        if isinstance(body, Mapping) and body.get("Effect", "Allow") == "Allow":
            yield from _statement(_Statement(resource, f"statement {index + 1} of `{where}`", body))


def _statement(statement: _Statement) -> Iterator[Finding]:
    yield from _actions(statement)
    yield from _resources(statement)
    if _is_everyone(statement.body.get("Principal")) and "Condition" not in statement.body:
        yield statement.finding("public-principal", "trusts everyone", "name the principals, or add a condition")


def _actions(statement: _Statement) -> Iterator[Finding]:
    fix = "list the actions that are used"
    if "NotAction" in statement.body:
        yield statement.finding("wildcard-action", "allows everything but a list of actions", fix)
    if statement.resource.type in _NAMES_ITSELF and _is_account(statement.body.get("Principal")):
        return  # hands the key over to the account's own policies; without it a key can become unmanageable
    for action in _many(statement.body.get("Action")):
        if "*" in str(action) or "?" in str(action):
            yield statement.finding("wildcard-action", f"allows {action!r}", fix)


def _resources(statement: _Statement) -> Iterator[Finding]:
    fix = "list the ARNs that are used"
    if "NotResource" in statement.body:
        yield statement.finding("wildcard-resource", "allows everything but a list of resources", fix)
    if statement.resource.type in _NAMES_ITSELF:
        return
    actions = [str(action).lower() for action in _many(statement.body.get("Action"))]
    for arn in _many(statement.body.get("Resource")):
        if arn == "*" and actions and _WITHOUT_RESOURCE.issuperset(actions):
            continue
        if str(arn).endswith(_UNNAMED) and _is_narrowed(statement.body.get("Condition"), _SUBNET):
            continue
        if _ALL_KEYS.fullmatch(str(arn)) and _is_narrowed(statement.body.get("Condition"), _ALIAS):
            continue
        if arn == "*" or _ALL_OF_A_SERVICE.fullmatch(str(arn)):
            yield statement.finding("wildcard-resource", f"allows access to {arn!r}", fix)


def _is_narrowed(condition: Any, wanted: str) -> bool:
    tests = condition.values() if isinstance(condition, Mapping) else ()
    return any(key.lower() == wanted for test in tests if isinstance(test, Mapping) for key in test)


def _is_everyone(principal: Any) -> bool:
    named = principal.get("AWS") if isinstance(principal, Mapping) else principal
    return "*" in _many(named)


def _is_account(principal: Any) -> bool:
    named = _many(principal.get("AWS")) if isinstance(principal, Mapping) else ()
    return bool(named) and all(_ROOT.fullmatch(str(each)) for each in named)


def _many(value: Any) -> Sequence[Any]:
    """Read IAM's "one or a list of them"."""
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) else (value,)
