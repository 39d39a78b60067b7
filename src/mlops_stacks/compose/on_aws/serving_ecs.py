"""Blueprint -> services of ECS."""

from __future__ import annotations

from typing import Any

from mlops_components.grants import aws_grant
from mlops_components.naming import physical_name
from mlops_components.serving.aws_names import ECS, LOAD_BALANCER, arn, named
from mlops_components.serving.ecs import BALANCER_SERVICE, SERVICE, EcsServing
from mlops_stacks.blueprint.aws_stages.serving import EcsServing as Options
from mlops_stacks.blueprint.model import ModelConfig, Realtime
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, releases, server
from mlops_stacks.compose.on_aws.image import image


def build(context: Context) -> EcsServing:
    """The services of an environment; none before an image was delivered."""
    chosen: Options = context.options(Stage.SERVING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    delivered = image(context)
    models = {n: m for n, m in server.released(context).items() if m.realtime and delivered is not None}
    args = {
        "placement": common.placement(context),
        "image": delivered or "",
        "task_role_arn": _task_role(context, models) if models else "",
        "execution_role_arn": _execution_role(context, models) if models else "",
        "balancer_role_arn": _balancer_role(context, models) if models else "",
        "settings_bucket": foundation.artifact_bucket_name,
        "vpc_id": foundation.vpc_id,
        "subnet_ids": foundation.subnet_ids,
        "security_group_id": foundation.security_group_id,
        "certificate_arn": chosen.certificate,
        "callers": list(chosen.callers),
        "scale_at_cpu_percent": chosen.scale_at_cpu_percent,
        "log_days": chosen.log_days,
        "models": {name: _served(context, chosen, name, model) for name, model in models.items()},
    }
    return EcsServing("serving", args, common.options(context))  # type: ignore[arg-type]


def _served(context: Context, chosen: Options, name: str, model: ModelConfig) -> dict[str, Any]:
    """The `EcsServedModel` of a released model."""
    version, realtime = context.releases[name], model.realtime or Realtime()
    compute, scaling = realtime.compute or {}, realtime.autoscaling
    capture: Any = server.own_capture(context, realtime, at_once=False)
    package = releases.model_package_arn(context, name)
    return {
        "released": {
            "version": version,
            "settings": server.settings(context, name, version, realtime, model_uri=package, capture=capture),
        },
        "cpu": compute.get("cpu") or chosen.cpu,
        "memory_gb": compute.get("memory_gb") or chosen.memory_gb,
        "spot": bool(compute.get("spot")),
        "scaling": scaling.model_dump() if scaling else None,
        "rollout": model.rollout,
    }


def _task_role(context: Context, models: dict[str, ModelConfig]) -> Any:
    """The role of the servers."""
    grants = [
        *releases.grants_of_models(context),
        *(grant for name in models for grant in releases.grants_of_package(context, name)),
        *server.grants_of_features(context),
        *server.grants_of_capture(context),
    ]
    return common.identity(context, Stage.SERVING, "serving", [SERVICE], grants).role_arn


def _execution_role(context: Context, models: dict[str, ModelConfig]) -> Any:
    """The role that starts the servers: it pulls the image and writes their logs."""
    placed = common.placement(context)
    grants = [
        *releases.grants_of_image(context),
        *(server.grant_logs(context, f"/ecs/{named(placed, name, ECS)}") for name in models),
    ]
    # The page of the task execution role shows its trust policy without a condition, unlike that of the task role.
    return common.identity(context, Stage.SERVING, "launch", [SERVICE], grants, from_any_source=True).role_arn


def _balancer_role(context: Context, models: dict[str, ModelConfig]) -> Any:
    """The role by which ECS moves traffic between the two sets of copies of a service.

    Actions: the managed policy AmazonECSInfrastructureRolePolicyForLoadBalancers, on this load balancer alone.
    """
    placed = common.placement(context)
    balancer = physical_name((placed["blueprint"], placed["scope"]), LOAD_BALANCER)
    groups = [
        physical_name((placed["blueprint"], placed["scope"], name, which), LOAD_BALANCER)
        for name in models
        for which in ("blue", "green")
    ]
    targets = [arn(placed, "elasticloadbalancing", f"targetgroup/{group}/*") for group in groups]
    rules = [arn(placed, "elasticloadbalancing", f"{kind}/app/{balancer}/*") for kind in ("listener", "listener-rule")]
    looked_at = [
        f"elasticloadbalancing:Describe{what}" for what in ("Listeners", "Rules", "TargetGroups", "TargetHealth")
    ]
    grants = [
        aws_grant(["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"], targets),
        aws_grant(["elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule"], rules),
        aws_grant(looked_at, ["*"]),
    ]
    return common.identity(context, Stage.SERVING, "traffic", [BALANCER_SERVICE], grants).role_arn
