"""SageMaker Studio: notebooks in the environment's own network, a profile and a role for each person.

Every path goes through the network (VPC only): whether there is an internet is the network's decision. Applications
that do nothing are ended, machines are those that the blueprint names, and a person may open and run private spaces of
their own only. It refuses shared spaces and Studio Classic, whose applications are hidden.
"""

from collections.abc import Mapping
from typing import NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import SAGEMAKER, immutable_name, physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.spec.studio_instances import HIDEABLE
from mlops_components.tags import aws_tags
from mlops_components.workbench.studio_documents import (
    CONTENT_LIMIT,
    logs_policy,
    opening_policy,
    start_script,
    user_policy,
)

SERVICE = "sagemaker.amazonaws.com"
"""The service that assumes the roles of people's applications."""
_HIDDEN_APPS = ("Canvas", "JupyterServer", "KernelGateway", "RSessionGateway", "RStudioServerPro")


class StudioUser(TypedDict):
    """One person."""

    profile: str
    """Name of the profile."""
    role_arn: pulumi.Input[str]
    """Role of the person's applications."""
    role_name: pulumi.Input[str]
    """Its name, for the permissions in the domain."""
    opener_role_name: NotRequired[Optional[pulumi.Input[str]]]
    """Name of the role with which the person opens Studio. Default: none, since they sign in."""
    sign_on_name: NotRequired[Optional[str]]
    """Name of the person in IAM Identity Center. Default: none, since people do not sign in."""


class SageMakerStudioArgs(TypedDict):
    """What a workbench on SageMaker consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    vpc_id: pulumi.Input[str]
    """The network."""
    subnet_ids: pulumi.Input[list[str]]
    """Its private subnets."""
    security_group_ids: list[pulumi.Input[str]]
    """Security groups of applications; they have to let applications reach their files (NFS) within the group."""
    role_arn: pulumi.Input[str]
    """Role of whoever has no profile of ours; it may do nothing but write logs."""
    role_name: pulumi.Input[str]
    """Its name."""
    users: dict[str, StudioUser]
    """Person of the blueprint -> profile and role."""
    instance_types: list[str]
    """Machines that people may start; the first is the default."""
    variables: dict[str, pulumi.Input[str]]
    """What every notebook finds in its environment."""
    sign_on: NotRequired[bool]
    """Whether people sign in through IAM Identity Center. Default: they open Studio with a role. Changing it replaces
    the domain."""
    idle_minutes: NotRequired[int]
    """An application that did nothing for so long is ended; 60 to 525,600, default 60."""
    disk_gigabytes: NotRequired[int]
    """Disk of a new space; default 5."""
    max_disk_gigabytes: NotRequired[int]
    """Largest disk that a person may choose; default 100."""
    script: NotRequired[Optional[str]]
    """Shell script that runs each time that JupyterLab starts. Default: only ours runs."""
    key_arn: NotRequired[Optional[pulumi.Input[str]]]
    """Key of files and disks. Default: one that AWS owns."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of domain and files when the stack is destroyed; default `retain`."""


class SageMakerStudio(pulumi.ComponentResource):
    """A Studio domain with the profiles of its people."""

    stage = "workbench"
    platform = "aws"

    ui_url: pulumi.Output[str]
    """Address of the domain; people come in by signing on, or with a presigned address."""
    domain_id: pulumi.Output[str]
    """Identifier of the domain."""
    user_profiles: pulumi.Output[dict[str, str]]
    """Person of the blueprint -> name of the profile."""

    def __init__(self, name: str, args: SageMakerStudioArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Have a domain, and a profile for each person."""
        args = checked(args, SageMakerStudioArgs, "SageMakerStudio")
        if not args["instance_types"]:
            raise ArgsError(
                "SageMakerStudio: 'instance_types' is empty, so nothing could be started; name at least one."
            )
        super().__init__("mlops-stacks:index:SageMakerStudio", name, {**args}, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        domain = self._domain(name, self._start(name))
        profiles = {user: self._person(name, user, of, domain) for user, of in sorted(args["users"].items())}
        self.ui_url = domain.url
        self.domain_id = pulumi.Output.from_input(domain.id)
        self.user_profiles = pulumi.Output.from_input({user: of.user_profile_name for user, of in profiles.items()})
        self.register_outputs({output: getattr(self, output) for output in SageMakerStudio.__annotations__})

    def _start(self, name: str) -> aws.sagemaker.StudioLifecycleConfig:
        """What runs when JupyterLab starts. SageMaker cannot change it, so another content has another name."""
        args, script = self._args, self._args.get("script")
        placement = args["placement"]
        content = pulumi.Output.all(**args["variables"]).apply(lambda known: _fitting(known, script))
        parts = (placement["blueprint"], placement["scope"], "start")
        return aws.sagemaker.StudioLifecycleConfig(
            f"{name}-start",
            studio_lifecycle_config_name=immutable_name(parts, content, SAGEMAKER),
            studio_lifecycle_config_app_type="JupyterLab",
            studio_lifecycle_config_content=content,
            tags=aws_tags(placement, "workbench"),
            opts=self._child,
        )

    def _domain(self, name: str, start: aws.sagemaker.StudioLifecycleConfig) -> aws.sagemaker.Domain:
        args, placement = self._args, self._args["placement"]
        lifecycle = Lifecycle(args.get("lifecycle", Lifecycle.RETAIN))
        logs = aws.iam.RolePolicy(
            f"{name}-logs", name="logs", role=args["role_name"], policy=logs_policy(placement), opts=self._child
        )
        kept = "Delete" if lifecycle is Lifecycle.DELETE else "Retain"
        return aws.sagemaker.Domain(
            f"{name}-domain",
            domain_name=physical_name((placement["blueprint"], placement["scope"]), SAGEMAKER),
            auth_mode="SSO" if args.get("sign_on") else "IAM",
            app_network_access_type="VpcOnly",
            vpc_id=args["vpc_id"],
            subnet_ids=args["subnet_ids"],
            kms_key_id=args.get("key_arn"),
            default_user_settings=self._settings(start),
            domain_settings=aws.sagemaker.DomainDomainSettingsArgs(
                # Who did something is then seen in the audit trail, not only which role.
                execution_role_identity_config="USER_PROFILE_NAME",
                docker_settings=aws.sagemaker.DomainDomainSettingsDockerSettingsArgs(enable_docker_access="DISABLED"),
            ),
            retention_policy=aws.sagemaker.DomainRetentionPolicyArgs(home_efs_file_system=kept),
            tag_propagation="ENABLED",
            tags=aws_tags(placement, "workbench"),
            opts=pulumi.ResourceOptions.merge(stateful(self, lifecycle), pulumi.ResourceOptions(depends_on=[logs])),
        )

    def _settings(self, start: aws.sagemaker.StudioLifecycleConfig) -> aws.sagemaker.DomainDefaultUserSettingsArgs:
        args = self._args
        hidden = [kind for kind in HIDEABLE if kind not in args["instance_types"]]
        return aws.sagemaker.DomainDefaultUserSettingsArgs(
            execution_role=args["role_arn"],
            security_groups=args["security_group_ids"],
            studio_web_portal="ENABLED",
            default_landing_uri="studio::",
            studio_web_portal_settings=aws.sagemaker.DomainDefaultUserSettingsStudioWebPortalSettingsArgs(
                hidden_app_types=list(_HIDDEN_APPS),
                # For comfort: what forbids other machines is each person's role.
                hidden_instance_types=hidden,
            ),
            jupyter_lab_app_settings=self._jupyter_lab(start),
            code_editor_app_settings=self._code_editor(),
            space_storage_settings=aws.sagemaker.DomainDefaultUserSettingsSpaceStorageSettingsArgs(
                default_ebs_storage_settings=aws.sagemaker.DomainDefaultUserSettingsSpaceStorageSettingsDefaultEbsStorageSettingsArgs(
                    default_ebs_volume_size_in_gb=args.get("disk_gigabytes", 5),
                    maximum_ebs_volume_size_in_gb=args.get("max_disk_gigabytes", 100),
                )
            ),
        )

    def _jupyter_lab(
        self, start: aws.sagemaker.StudioLifecycleConfig
    ) -> aws.sagemaker.DomainDefaultUserSettingsJupyterLabAppSettingsArgs:
        idle = self._args.get("idle_minutes", 60)
        return aws.sagemaker.DomainDefaultUserSettingsJupyterLabAppSettingsArgs(
            lifecycle_config_arns=[start.arn],
            default_resource_spec=aws.sagemaker.DomainDefaultUserSettingsJupyterLabAppSettingsDefaultResourceSpecArgs(
                instance_type=self._args["instance_types"][0], lifecycle_config_arn=start.arn
            ),
            app_lifecycle_management=aws.sagemaker.DomainDefaultUserSettingsJupyterLabAppSettingsAppLifecycleManagementArgs(
                idle_settings=aws.sagemaker.DomainDefaultUserSettingsJupyterLabAppSettingsAppLifecycleManagementIdleSettingsArgs(
                    lifecycle_management="ENABLED",
                    idle_timeout_in_minutes=idle,
                    # People may choose a shorter time, not a longer one.
                    min_idle_timeout_in_minutes=60,
                    max_idle_timeout_in_minutes=idle,
                )
            ),
        )

    def _code_editor(self) -> aws.sagemaker.DomainDefaultUserSettingsCodeEditorAppSettingsArgs:
        idle = self._args.get("idle_minutes", 60)
        return aws.sagemaker.DomainDefaultUserSettingsCodeEditorAppSettingsArgs(
            default_resource_spec=aws.sagemaker.DomainDefaultUserSettingsCodeEditorAppSettingsDefaultResourceSpecArgs(
                instance_type=self._args["instance_types"][0]
            ),
            app_lifecycle_management=aws.sagemaker.DomainDefaultUserSettingsCodeEditorAppSettingsAppLifecycleManagementArgs(
                idle_settings=aws.sagemaker.DomainDefaultUserSettingsCodeEditorAppSettingsAppLifecycleManagementIdleSettingsArgs(
                    lifecycle_management="ENABLED",
                    idle_timeout_in_minutes=idle,
                    min_idle_timeout_in_minutes=60,
                    max_idle_timeout_in_minutes=idle,
                )
            ),
        )

    def _person(self, name: str, user: str, of: StudioUser, domain: aws.sagemaker.Domain) -> aws.sagemaker.UserProfile:
        args, placement, profile = self._args, self._args["placement"], of["profile"]
        own = domain.id.apply(lambda known: user_policy(placement, known, profile, args["instance_types"]))
        opening = domain.id.apply(lambda known: opening_policy(placement, known, profile))
        allowed = [
            aws.iam.RolePolicy(
                f"{name}-{user}-studio", name="studio", role=of["role_name"], policy=own, opts=self._child
            ),
            aws.iam.RolePolicy(
                f"{name}-{user}-logs",
                name="logs",
                role=of["role_name"],
                policy=logs_policy(placement),
                opts=self._child,
            ),
        ]
        opener, signs_on_as = of.get("opener_role_name"), of.get("sign_on_name")
        if opener is not None:
            allowed.append(
                aws.iam.RolePolicy(f"{name}-{user}-open", name="open", role=opener, policy=opening, opts=self._child)
            )
        return aws.sagemaker.UserProfile(
            f"{name}-{user}-profile",
            domain_id=domain.id,
            user_profile_name=profile,
            single_sign_on_user_identifier="UserName" if signs_on_as else None,
            single_sign_on_user_value=signs_on_as,
            user_settings=aws.sagemaker.UserProfileUserSettingsArgs(execution_role=of["role_arn"]),
            tags=aws_tags(placement, "workbench"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(allowed)),
        )


def _fitting(variables: Mapping[str, str], script: Optional[str]) -> str:
    content = start_script(variables, script)
    if len(content) > CONTENT_LIMIT:
        raise ArgsError(
            f"SageMakerStudio: 'script' makes the lifecycle configuration {len(content)} characters long in base64;"
            f" SageMaker takes {CONTENT_LIMIT}, so shorten it."
        )
    return content
