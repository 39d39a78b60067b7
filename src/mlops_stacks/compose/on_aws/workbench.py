"""Blueprint -> workbench."""

from __future__ import annotations

from typing import Any

from mlops_components.grants import AwsGrant
from mlops_components.identity.aws import AwsIdentity
from mlops_components.naming import SAGEMAKER, content_hash, physical_name
from mlops_components.workbench import sagemaker_studio as engine
from mlops_stacks.blueprint.aws_stages.workbench import SageMakerStudio
from mlops_stacks.blueprint.settings import Role
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, people
from mlops_stacks.compose.on_aws.keys import key_arn


def build(context: Context) -> Any:
    """Studio, with a profile for each person who may experiment."""
    chosen: SageMakerStudio = context.options(Stage.WORKBENCH)
    foundation: Any = context.contract(Stage.FOUNDATION)
    network = common.network(context)
    if network is None:
        raise TypeError(f"scope {context.scope} has a workbench and no network")
    nobody = _role(context, "studio", [])
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "vpc_id": foundation.vpc_id,
        **network,
        "role_arn": nobody.role_arn,
        "role_name": nobody.role_name,
        "users": {profile_of(member): _user(context, chosen, member) for member in members(context)},
        "instance_types": list(chosen.instance_types),
        "variables": _variables(context),
        "sign_on": chosen.sign_in == "sso",
        "idle_minutes": chosen.idle_minutes,
        "disk_gigabytes": chosen.disk_gigabytes,
        "max_disk_gigabytes": chosen.max_disk_gigabytes,
        "script": chosen.start_script,
        "key_arn": key_arn(context),
        "lifecycle": common.lifecycle(context, Stage.WORKBENCH),
    }
    return engine.SageMakerStudio("workbench", args, common.options(context))  # type: ignore[arg-type]


def members(context: Context) -> list[str]:
    """Whoever may experiment, each once: those who sign in, else the members of teams that do not only look."""
    chosen: SageMakerStudio = context.options(Stage.WORKBENCH)
    if chosen.sign_in == "sso":
        return sorted(chosen.people)
    teams = context.settings.access.values()
    return sorted({member for team in teams if team.role is not Role.VIEWER for member in team.members})


def profile_of(member: str) -> str:
    """Name of the profile of a person, who is an ARN or a name to sign in with: readable, and never another's."""
    readable = member.rsplit("/", 1)[-1].partition("@")[0]
    return physical_name((readable[:40].strip("-._") or "person", content_hash(member)[:8]), SAGEMAKER)


def _user(context: Context, chosen: SageMakerStudio, member: str) -> dict[str, Any]:
    profile = profile_of(member)
    grants: list[AwsGrant] = people.grants_to_experiment(context, profile)
    role = _role(context, f"studio-{profile}", grants)
    user: dict[str, Any] = {"profile": profile, "role_arn": role.role_arn, "role_name": role.role_name}
    if chosen.sign_in == "sso":
        return {**user, "sign_on_name": member}
    opener = common.identity(context, Stage.WORKBENCH, f"open-{profile}", [], [], principals=[member])
    return {**user, "opener_role_name": opener.role_name}


def _role(context: Context, purpose: str, grants: list[AwsGrant]) -> AwsIdentity:
    """A role of applications, which start with the name of their user (`engine`: the domain's identity config)."""
    return common.identity(context, Stage.WORKBENCH, purpose, [engine.SERVICE], grants, keeps_source_identity=True)


def _variables(context: Context) -> dict[str, Any]:
    """What every notebook finds in its environment."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    tracking, registry = context.contract(Stage.EXPERIMENT_TRACKING), context.contract(Stage.MODEL_REGISTRY)
    features = context.contract(Stage.FEATURE_STORE)
    variables: dict[str, Any] = {
        "MLOPS_STACKS_BLUEPRINT": context.blueprint.name,
        "MLOPS_STACKS_ENVIRONMENT": context.scope,
        "MLOPS_STACKS_ARTIFACTS": foundation.artifact_root,
        "MLOPS_STACKS_DATA": foundation.data_root,
    }
    if tracking is not None:
        mlflow = context.options(Stage.EXPERIMENT_TRACKING).engine == "sagemaker_mlflow"
        variables["MLFLOW_TRACKING_URI" if mlflow else "MLOPS_STACKS_TRACKING_URI"] = tracking.tracking_uri
    if registry is not None:
        variables["MLFLOW_REGISTRY_URI"] = registry.registry_uri
    if features is not None:
        variables["MLOPS_STACKS_FEATURE_CATALOGUE"] = features.catalogue
    if context.settings.workload is not None:
        variables["MLOPS_STACKS_WORKLOAD"] = context.settings.workload.entry_point
    return variables
