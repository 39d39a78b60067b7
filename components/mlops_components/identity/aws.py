"""A role for one purpose, with exactly the permissions that its user needs.

One identity per purpose, never one for all: a role that several stages share ends up with the permissions of all of
them. It refuses managed policies altogether, and grants wider than `mlops_components.grants` allows.
"""

from typing import NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.grants import AwsGrant, policy_document
from mlops_components.identity.aws_trust import AwsFederation, trust_policy
from mlops_components.naming import IAM_ROLE, physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags


class AwsIdentityArgs(TypedDict):
    """Who may act, and what they may do."""

    placement: AwsPlacement
    """Scope, account and region."""
    purpose: str
    """One word that says what the role is for, unique in its scope; the last part of its name."""
    on_behalf_of: str
    """The stage on whose behalf it acts; it is shown, tagged and counted there."""
    services: list[str]
    """Service principals that may assume the role, for this account only if they say for which, e.g.
    `sagemaker.amazonaws.com`; none where only people or CI systems assume it."""
    from_any_source: NotRequired[bool]
    """Whether the services do not say for which account they use this role, although they say so of others: so does
    SageMaker for a tracking server and a feature group. Default: false."""
    keeps_source_identity: NotRequired[bool]
    """Whether the services hand on who acts through them, as Studio does; default: false."""
    principals: NotRequired[list[str]]
    """ARNs of roles, users or accounts that may assume the role. Default: none."""
    federations: NotRequired[list[AwsFederation]]
    """CI systems outside of AWS whose tokens may be exchanged for the role. Default: none."""
    max_session_hours: NotRequired[int]
    """How long people and CI systems may keep it at a time, 1 to 12; default 1."""
    grants: list[AwsGrant]
    """Its permissions; grants that overlap are merged."""
    permission_boundary: NotRequired[str]
    """ARN of the policy that no permission of the role can exceed. Default: none."""


class AwsIdentity(pulumi.ComponentResource):
    """An IAM role with one inline policy made from grants."""

    platform = "aws"

    role_arn: pulumi.Output[str]
    """The role, known only once its policy is attached: whatever takes it runs with all of its permissions."""
    role_name: pulumi.Output[str]
    """The name of the role."""

    def __init__(self, name: str, args: AwsIdentityArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, AwsIdentityArgs, "AwsIdentity")
        if not (args["services"] or args.get("principals") or args.get("federations")):
            raise ArgsError(
                "AwsIdentity: 'services' is empty, so nobody could assume the role; name at least one service, or "
                "'principals' or 'federations'."
            )
        # An argument of the same name would hide this: the SDK turns every argument into an attribute.
        self.stage = args["on_behalf_of"]
        super().__init__("mlops-stacks:index:AwsIdentity", name, {**args}, opts)
        placement = args["placement"]
        role = aws.iam.Role(
            f"{name}-role",
            name=physical_name((placement["blueprint"], placement["scope"], args["purpose"]), IAM_ROLE),
            assume_role_policy=trust_policy(
                placement["account_id"],
                args["services"],
                args.get("principals") or [],
                args.get("federations") or [],
                from_any_source=args.get("from_any_source", False),
                keeps_source_identity=args.get("keeps_source_identity", False),
            ),
            max_session_duration=args["max_session_hours"] * 3600 if "max_session_hours" in args else None,
            permissions_boundary=args.get("permission_boundary"),
            tags=aws_tags(placement, args["on_behalf_of"]),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.role_arn = role.arn
        if args["grants"]:
            policy = aws.iam.RolePolicy(
                f"{name}-policy",
                name="grants",
                role=role.name,
                policy=policy_document(args["grants"]),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.role_arn = pulumi.Output.all(role.arn, policy.id).apply(lambda both: str(both[0]))
        self.role_name = role.name
        self.register_outputs({"role_arn": self.role_arn, "role_name": self.role_name})
