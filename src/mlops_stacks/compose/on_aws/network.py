"""Blueprint -> network of an environment: which services what runs in it speaks to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_stacks.blueprint.aws_stages.foundation import AwsFoundation
from mlops_stacks.blueprint.aws_stages.network import AdoptNetwork, CreateNetwork
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose.context import Context

_ALWAYS = ("ecr.api", "ecr.dkr", "logs", "s3", "sts")
"""Every job pulls an image, reads and writes objects, and logs, whatever it is for."""
_USED: Mapping[tuple[Stage, str], tuple[str, ...]] = {
    (Stage.EXPERIMENT_TRACKING, "sagemaker_mlflow"): ("experiments", "sagemaker.api"),
    (Stage.EXPERIMENT_TRACKING, "sagemaker_experiments"): ("sagemaker.api", "sagemaker.metrics"),
    (Stage.MODEL_REGISTRY, "sagemaker"): ("sagemaker.api",),
    (Stage.FEATURE_STORE, "sagemaker"): ("sagemaker.api", "sagemaker.featurestore-runtime"),
    (Stage.TRAINING_PIPELINE, "sagemaker"): ("monitoring", "sagemaker.api"),
    (Stage.TRAINING_PIPELINE, "step_functions"): ("monitoring", "sagemaker.api"),
    (Stage.SERVING, "sagemaker"): ("monitoring", "sagemaker.runtime"),
    (Stage.SERVING, "lambda"): ("lambda",),
    (Stage.MONITORING, "sagemaker"): ("monitoring", "sagemaker.api"),
    (Stage.WORKBENCH, "sagemaker_studio"): ("sagemaker.api", "sagemaker.runtime", "studio"),
}
"""Stage and engine -> services that it is reached by, or that its jobs and people speak to.

What services do for each other (tell a topic, start a state machine) goes through no network of ours.
"""


def network_choice(context: Context, chosen: AwsFoundation) -> dict[str, Any]:
    """The foundation's word for the network of an environment."""
    network = chosen.network
    if isinstance(network, CreateNetwork):
        target = context.target(Platform.AWS)
        assert isinstance(target, AwsTarget)  # noqa: S101 - validation has made sure of it
        return {
            "choice": "create",
            "cidr": network.cidr,
            "zones": list(target.zones),
            "internet": network.internet,
            "endpoints": services_in_use(context),
            "reaches": list(network.reaches),
        }
    if isinstance(network, AdoptNetwork):
        return {
            "choice": "adopt",
            "vpc_id": network.vpc_id,
            "subnet_ids": list(network.subnet_ids),
            "route_table_ids": list(network.route_table_ids),
            "endpoints": services_in_use(context) if network.endpoints == "create" else [],
            "reaches": list(network.reaches),
            **({"security_group_id": network.security_group_id} if network.security_group_id else {}),
        }
    return {"choice": "skip"}


def services_in_use(context: Context) -> list[str]:
    """Services for which the network needs an endpoint, because a stage of this environment uses them."""
    services = set(_ALWAYS)
    for stage, chosen in context.settings.stages.items():
        if chosen.platform is Platform.AWS:
            services |= set(_USED.get((stage, chosen.engine), ()))
    if context.settings.secrets:
        services.add("secretsmanager")
    return sorted(services)
