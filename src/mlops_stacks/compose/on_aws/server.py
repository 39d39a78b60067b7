"""What the project's server is told on AWS, whichever engine runs it."""

from __future__ import annotations

from typing import Any

import pulumi

from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.placement import aws_partition
from mlops_components.spec.settings import CaptureSettings
from mlops_stacks.blueprint.model import ModelConfig, Realtime
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common
from mlops_stacks.compose.on_aws.features import grants_of_serving, reference

PORT = 8080
"""What SageMaker calls; the others are told of it."""
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - a container's own network, which only its platform reaches


def released(context: Context) -> dict[str, ModelConfig]:
    """The models that have a release in this environment."""
    return {name: model for name, model in context.settings.models.items() if name in context.releases}


def settings(
    context: Context,
    model: str,
    version: str,
    realtime: Realtime | None,
    *,
    model_uri: pulumi.Input[str],
    capture: CaptureSettings | None,
) -> pulumi.Output[str]:
    """The `ServerSettings` of a version as JSON."""
    workload = context.settings.workload
    return pulumi.Output.json_dumps(
        {
            "blueprint": context.blueprint.name,
            "environment": context.scope,
            "model": model,
            "version": version,
            "model_uri": model_uri,
            "tracking_uri": None,
            "registry_uri": None,
            "workload": None if workload is None else {"entry_point": workload.entry_point},
            "host": _EVERY_ADDRESS,
            "port": PORT,
            "workers": 1 if realtime is None else realtime.workers,
            "capture": capture,
            "feature_store": reference(context),
        },
        sort_keys=True,
    )


def own_capture(context: Context, realtime: Realtime | None, *, at_once: bool) -> dict[str, Any] | None:
    """The `CaptureSettings` of a server that keeps requests by itself; `at_once`: before it answers."""
    if realtime is None or realtime.capture is None:
        return None
    foundation: Any = context.contract(Stage.FOUNDATION)
    return {
        "uri": foundation.capture_root,
        "sample_percent": realtime.capture.sample_percent,
        "at_once": at_once,
    }


def grants(context: Context) -> list[AwsGrant]:
    """What every server needs: it looks up features, and is in the network."""
    return [*grants_of_features(context), *common.grants_of_network(context)]


def grants_of_features(context: Context) -> list[AwsGrant]:
    """What looking up features takes, where there are any."""
    return list(grants_of_serving(context))


def grants_of_capture(context: Context) -> list[AwsGrant]:
    """What keeping requests takes, if any are kept."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    kept = any(model.realtime and model.realtime.capture for model in released(context).values())
    return list(foundation.grant_capture_write()) if kept else []


def grant_logs(context: Context, group: str) -> AwsGrant:
    """Permission to write to log groups whose names begin so."""
    placed = common.placement(context)
    where = f"{aws_partition(placed['region'])}:logs:{placed['region']}:{placed['account_id']}"
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return aws_grant(actions, [f"arn:{where}:log-group:{group}*"])
