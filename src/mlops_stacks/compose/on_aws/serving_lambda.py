"""Blueprint -> functions of Lambda."""

from __future__ import annotations

from typing import Any

from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.serving.aws_lambda import SERVICE, LambdaServing
from mlops_components.serving.aws_names import CODE_DEPLOY, LAMBDA_FUNCTION, alarm_name, arn, named
from mlops_components.serving.lambda_shift import application_name, mover_name
from mlops_components.spec.rollout import Strategy
from mlops_components.spec.sagemaker_rollout import rollback_of, strategy_of
from mlops_stacks.blueprint.aws_stages.serving import LambdaServing as Options
from mlops_stacks.blueprint.model import ModelConfig, Realtime
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, releases, server
from mlops_stacks.compose.on_aws.image import image
from mlops_stacks.compose.on_aws.keys import key_arn

_CODE_DEPLOY = "codedeploy.amazonaws.com"


def build(context: Context) -> LambdaServing:
    """The functions of an environment; none before an image was delivered."""
    chosen: Options = context.options(Stage.SERVING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    delivered = image(context)
    models = {n: m for n, m in server.released(context).items() if m.realtime and delivered is not None}
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "image": delivered or "",
        "role_arn": _role(context, models) if models else "",
        "settings_bucket": foundation.artifact_bucket_name,
        "callers": list(chosen.callers),
        "network": common.network(context),
        "log_days": chosen.log_days,
        "models": {name: _served(context, chosen, name, model) for name, model in models.items()},
    }
    key = key_arn(context)
    if key is not None:
        args["key_arn"] = key
    shifted = [name for name, model in models.items() if strategy_of(model.rollout) is Strategy.CANARY]
    if shifted:
        args |= {"shift_role_arn": _shift_role(context, shifted), "deploy_role_arn": _deploy_role(context, models)}
    return LambdaServing("serving", args, common.options(context))  # type: ignore[arg-type]


def _served(context: Context, chosen: Options, name: str, model: ModelConfig) -> dict[str, Any]:
    """The `LambdaServedModel` of a released model."""
    version = context.releases[name]
    realtime = model.realtime or Realtime()
    memory = (realtime.compute or {}).get("memory_gb")
    capture: Any = server.own_capture(context, realtime, at_once=True)
    package = releases.model_package_arn(context, name)
    return {
        "released": {
            "version": version,
            "settings": server.settings(context, name, version, realtime, model_uri=package, capture=capture),
        },
        "memory_mb": chosen.memory_mb if memory is None else round(memory * 1024),
        "timeout_seconds": chosen.timeout_seconds,
        "storage_mb": chosen.storage_mb,
        "concurrency": chosen.concurrency,
        "provisioned": chosen.provisioned,
        "rollout": model.rollout,
    }


def _role(context: Context, models: dict[str, ModelConfig]) -> Any:
    """The role of the functions. Lambda pulls their image by itself, with what the repository's policy says."""
    placed = common.placement(context)
    names = [named(placed, name, LAMBDA_FUNCTION) for name in models]
    grants = [
        *releases.grants_of_models(context),
        *(grant for name in models for grant in releases.grants_of_package(context, name)),
        *server.grants(context),
        *server.grants_of_capture(context),
        *_grants_of_key(context),
        *(server.grant_logs(context, f"/aws/lambda/{name}") for name in names),
        *_grants_of_addresses(context),
        aws_grant(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]),
    ]
    return common.identity(context, Stage.SERVING, "serving", [SERVICE], grants).role_arn


def _grants_of_addresses(context: Context) -> list[AwsGrant]:
    """What Lambda needs in a network beyond what SageMaker's jobs do (AWSLambdaVPCAccessExecutionRole)."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    return list(foundation.grant_network_addresses())


def _grants_of_key(context: Context) -> list[AwsGrant]:
    """What a function needs of the key of its variables: Lambda decrypts them as the function's role."""
    key = key_arn(context)
    return [] if key is None else [aws_grant(["kms:Decrypt"], [key])]


def _shift_role(context: Context, shifted: list[str]) -> Any:
    """The role of the function that starts deployments."""
    placed = common.placement(context)
    application = application_name(placed)
    groups = [
        arn(placed, "codedeploy", f"deploymentgroup:{application}/{named(placed, name, CODE_DEPLOY)}")
        for name in shifted
    ]
    grants = [
        aws_grant(["codedeploy:CreateDeployment"], groups),
        aws_grant(
            ["codedeploy:GetDeploymentConfig"], [arn(placed, "codedeploy", f"deploymentconfig:{_prefix(placed)}*")]
        ),
        aws_grant(
            ["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"],
            [arn(placed, "codedeploy", f"application:{application}")],
        ),
        aws_grant(["lambda:GetAlias"], _functions(placed, shifted)),
        *_grants_of_key(context),
        server.grant_logs(context, f"/aws/lambda/{mover_name(placed)}"),
    ]
    return common.identity(context, Stage.SERVING, "shift", [SERVICE], grants).role_arn


def _deploy_role(context: Context, models: dict[str, ModelConfig]) -> Any:
    """The role of CodeDeploy: it moves aliases, and looks at the alarms that take them back."""
    placed = common.placement(context)
    watched = [name for name, model in models.items() if rollback_of(model.rollout)]
    names = [alarm_name(placed, name, kind) for name in watched for kind in ("errors", "latency")]
    shifted = [name for name, model in models.items() if strategy_of(model.rollout) is Strategy.CANARY]
    actions = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
    grants: list[AwsGrant] = [aws_grant(actions, _functions(placed, shifted))]
    if names:
        alarms = [arn(placed, "cloudwatch", f"alarm:{name}") for name in names]
        grants.append(aws_grant(["cloudwatch:DescribeAlarms"], alarms))
    return common.identity(context, Stage.SERVING, "deploy", [_CODE_DEPLOY], grants).role_arn


def _functions(placed: Any, models: list[str]) -> list[str]:
    names = [named(placed, name, LAMBDA_FUNCTION) for name in models]
    return [arn(placed, "lambda", f"function:{name}{alias}") for name in names for alias in ("", ":*")]


def _prefix(placed: Any) -> str:
    return f"{placed['blueprint']}-{placed['scope']}-"
