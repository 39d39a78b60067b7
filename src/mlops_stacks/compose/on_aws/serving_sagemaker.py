"""Blueprint -> endpoints and batch jobs of SageMaker."""

from __future__ import annotations

from typing import Any

from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.serving.aws_names import alarm_name, arn, transform_job_prefix
from mlops_components.serving.sagemaker import SERVICE, SageMakerServing
from mlops_components.spec.sagemaker_rollout import rollback_of
from mlops_stacks.blueprint.aws_stages.serving import SageMakerServing as Options
from mlops_stacks.blueprint.model import Batch, ModelConfig
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, releases, server
from mlops_stacks.compose.on_aws.keys import key_arn

MODEL_FOLDER = "/opt/ml/model"
"""Where SageMaker puts a version's files."""
_SCHEDULER = "scheduler.amazonaws.com"


def build(context: Context) -> SageMakerServing:
    """The endpoints and batch jobs of an environment."""
    chosen: Options = context.options(Stage.SERVING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    models = {name: model for name, model in server.released(context).items() if model.realtime or model.batch}
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "role_arn": _role(context, chosen, models) if models else "",
        "settings_bucket": foundation.artifact_bucket_name,
        "network": common.network(context),
        "log_days": chosen.log_days,
        "models": {},
    }
    key = key_arn(context)
    if key is not None:
        args["key_arn"] = key
    scheduler = _scheduler_role(context, models)
    for name, model in models.items():
        args["models"][name] = _served(context, chosen, name, model, scheduler)
    return SageMakerServing("serving", args, common.options(context))  # type: ignore[arg-type]


def _served(context: Context, chosen: Options, name: str, model: ModelConfig, scheduler: Any) -> dict[str, Any]:
    """The `SageMakerServedModel` of a released model."""
    mode = chosen.modes.get(name, chosen.mode)
    served: dict[str, Any] = {
        "released": _version(context, name, model, context.releases[name], mode),
        "challenger": None,
        "realtime": model.realtime is not None,
        "mode": mode,
        "rollout": model.rollout,
        "batch": _batch(context, chosen, model.batch, scheduler) if model.batch else None,
    }
    if model.realtime is None:
        return {**served, "mode": "instances", "rollout": None, "instance_type": chosen.instance_type}
    if name in chosen.challengers:
        served["challenger"] = _version(context, name, model, str(chosen.challengers[name]), mode)
    if mode == "serverless":
        return {**served, "serverless": chosen.serverless.model_dump()}
    scaling = model.realtime.autoscaling
    served |= {
        "instance_type": _instance_type(model.realtime.compute, chosen),
        "volume_gb": chosen.volume_gb,
        "startup_seconds": chosen.startup_seconds,
        "scaling": scaling.model_dump() if scaling else None,
        "rolling_percent": chosen.rolling_percent,
        "keep_old_minutes": chosen.keep_old_minutes,
    }
    if mode == "asynchronous":
        return {**served, "asynchronous": _asynchronous(context, chosen, name)}
    return {**served, "capture": _capture(context, name, model)}


def _version(context: Context, name: str, model: ModelConfig, version: str, mode: str) -> dict[str, Any]:
    # SageMaker keeps the requests of machines that wait for them. Others' are kept by the server: at once where the
    # process may be halted as soon as it has answered.
    capture: Any = None
    if mode != "instances":
        capture = server.own_capture(context, model.realtime, at_once=mode == "serverless")
    return {
        "version": version,
        "model_package_arn": releases.model_package_arn(context, name, version),
        "settings": server.settings(context, name, version, model.realtime, model_uri=MODEL_FOLDER, capture=capture),
    }


def _instance_type(compute: Any, chosen: Options) -> str:
    return str((compute or {}).get("instance_type") or chosen.instance_type)


def _capture(context: Context, name: str, model: ModelConfig) -> dict[str, Any] | None:
    foundation: Any = context.contract(Stage.FOUNDATION)
    if model.realtime is None or model.realtime.capture is None or model.realtime.capture.sample_percent == 0:
        return None
    return {
        "uri": foundation.capture_root.apply(lambda root: f"{root}/{name}"),
        "sample_percent": model.realtime.capture.sample_percent,
    }


def _asynchronous(context: Context, chosen: Options, name: str) -> dict[str, Any]:
    foundation: Any = context.contract(Stage.FOUNDATION)
    folder = f"{chosen.asynchronous.output}/{name}"
    told = {
        f"{outcome}_topic_arn": topic
        for outcome, kind in (("success", "success"), ("error", "failure"))
        if (topic := common.topic(context, kind)) is not None
    }
    return {
        "output": foundation.data_root.apply(lambda root: f"{root}/{folder}"),
        "failures": foundation.data_root.apply(lambda root: f"{root}/{folder}-failed"),
        "concurrent_per_copy": chosen.asynchronous.concurrent_per_copy,
        **told,
    }


def _batch(context: Context, chosen: Options, batch: Batch, scheduler: Any) -> dict[str, Any]:
    foundation: Any = context.contract(Stage.FOUNDATION)
    topic = common.topic(context, "failure")
    return {
        "schedule": batch.schedule,
        "input": foundation.data_root.apply(lambda root: f"{root}/{batch.input.strip('/')}"),
        "output": foundation.data_root.apply(lambda root: f"{root}/{batch.output.strip('/')}"),
        "instance_type": _instance_type(batch.compute, chosen),
        "machines": chosen.batch_machines,
        "lines": chosen.batch_lines,
        "schedule_role_arn": scheduler,
        **({} if topic is None else {"failure_topic_arn": topic}),
    }


def _role(context: Context, chosen: Options, models: dict[str, ModelConfig]) -> Any:
    """The role of the machines: what they need together, since a model changes hands more often than its role."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    grants = [
        *releases.grants_of_models(context),
        *releases.grants_of_image(context),
        *server.grants(context),
        *server.grants_of_capture(context),
        *foundation.grant_key_use(),
        aws_grant(["cloudwatch:PutMetricData"], ["*"]),
        *(server.grant_logs(context, f"/aws/sagemaker/{kind}") for kind in _log_groups(models)),
        *_rollback_grants(context, models),
    ]
    for name, model in models.items():
        if model.batch:
            grants += foundation.grant_data_read(model.batch.input.strip("/"))
            grants += foundation.grant_data_write(model.batch.output.strip("/"))
        if model.realtime and chosen.modes.get(name, chosen.mode) == "asynchronous":
            folder = f"{chosen.asynchronous.output}/{name}"
            grants += [*foundation.grant_data_write(folder), *foundation.grant_data_write(f"{folder}-failed")]
            grants += [*foundation.grant_publish("success"), *foundation.grant_publish("failure")]
    return common.identity(context, Stage.SERVING, "serving", [SERVICE], grants).role_arn


def _log_groups(models: dict[str, ModelConfig]) -> list[str]:
    kinds = {
        "Endpoints/": any(m.realtime for m in models.values()),
        "TransformJobs": any(m.batch for m in models.values()),
    }
    return [kind for kind, used in kinds.items() if used]


def _rollback_grants(context: Context, models: dict[str, ModelConfig]) -> list[AwsGrant]:
    """Looking at the alarms of a rollout, which SageMaker does with the role of the machines."""
    placed = common.placement(context)
    watched = [name for name, model in models.items() if model.realtime and rollback_of(model.rollout)]
    kinds = ("errors", "latency", "challenger_errors", "challenger_latency")
    alarms = [
        arn(placed, "cloudwatch", f"alarm:{alarm_name(placed, name, kind)}") for name in watched for kind in kinds
    ]
    return [aws_grant(["cloudwatch:DescribeAlarms"], alarms)] if alarms else []


def _scheduler_role(context: Context, models: dict[str, ModelConfig]) -> Any:
    """The role that starts batch jobs, if there are any."""
    placed = common.placement(context)
    jobs = [
        arn(placed, "sagemaker", f"transform-job/{transform_job_prefix(placed, name)}-*")
        for name, model in models.items()
        if model.batch
    ]
    if not jobs:
        return None
    grants = [aws_grant(["sagemaker:CreateTransformJob"], jobs)]
    return common.identity(context, Stage.SERVING, "batch", [_SCHEDULER], grants).role_arn
