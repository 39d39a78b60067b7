"""Blueprint -> monitoring."""

from __future__ import annotations

from typing import Any

import pulumi

from mlops_components.foundation.aws.buckets import bucket_name
from mlops_components.monitoring.sagemaker import SageMakerMonitoring as Component
from mlops_components.placement import AwsPlacement
from mlops_components.spec.monitor_schedule import MonitorSchedule, monitor_schedule
from mlops_components.spec.pipeline import Schedule
from mlops_stacks.blueprint.aws_stages.foundation import AdoptBucket, AwsFoundation
from mlops_stacks.blueprint.aws_stages.monitoring import ModelQuality, SageMakerMonitoring
from mlops_stacks.blueprint.model import ModelConfig, Retraining
from mlops_stacks.blueprint.target import AwsTarget
from mlops_stacks.blueprint.vocabulary import Platform, Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, machines, monitoring_roles
from mlops_stacks.compose.on_aws.image import image
from mlops_stacks.compose.on_aws.keys import key_arn
from mlops_stacks.compose.watching import DAILY, limits_of

_INSTANCES = "instances"


def build(context: Context) -> Any:
    """Monitors, alarms and dashboards of an environment."""
    chosen: SageMakerMonitoring = context.options(Stage.MONITORING)
    foundation: Any = context.contract(Stage.FOUNDATION)
    models = {
        name: _watched(context, chosen, name, model)
        for name, model in context.settings.models.items()
        if model.realtime is not None and name in context.releases and _on_aws(context)
    }
    args: dict[str, Any] = {
        "placement": common.placement(context),
        "models": models,
        "artifact_root": foundation.artifact_root,
        "artifact_bucket": foundation.artifact_bucket_name,
        "data_root": foundation.data_root,
        "instance_type": chosen.instance_type,
        "instance_count": chosen.instance_count,
        "volume_gb": chosen.volume_gb,
        "timeout_minutes": chosen.timeout_minutes,
        "training_engine": _training_engine(context),
        **_given(
            image=image(context),
            alarm_topic_arn=common.topic(context, "alarm"),
            key_arn=key_arn(context),
            **(common.network(context) or {}),
        ),
        **monitoring_roles.roles(context, models),
    }
    return Component("monitoring", args, common.options(context))  # type: ignore[arg-type]


def _on_aws(context: Context) -> bool:
    serving = context.settings.stages.serving
    return serving is not None and serving.platform is Platform.AWS


def _training_engine(context: Context) -> str:
    training = context.settings.stages.training_pipeline
    return "sagemaker" if training is None else str(training.engine)


def _watched(context: Context, chosen: SageMakerMonitoring, name: str, model: ModelConfig) -> dict[str, Any]:
    """The `AwsWatchedModel` of a released model."""
    serving: Any = context.contract(Stage.SERVING)
    options: Any = context.options(Stage.SERVING)
    captured = _captured(options, name, model)
    schedule = _schedule(model)
    machine = machines.instance_type(options, model)
    watched: dict[str, Any] = {
        "version": context.releases[name],
        "serving": options.engine,
        "endpoint": serving.endpoint_names.apply(lambda names: names[name]),
        "variant": serving.variant_names.apply(lambda names: names[name]),
        "limits": _limits(chosen, model),
        "cores": machines.cores(machine),
        "gpus": machines.accelerators(machine, model.realtime.compute if model.realtime else None),
        "schedule": schedule.expression,
        "interval_hours": schedule.hours,
        "data_quality": captured and chosen.data_quality,
        **_retraining(context, name, model),
    }
    return {**watched, **_asked(context, chosen, name)} if captured else watched


def _captured(options: Any, name: str, model: ModelConfig) -> bool:
    """Whether SageMaker itself keeps the requests of a model: monitors read no others."""
    if options.engine != "sagemaker" or model.realtime is None or model.realtime.capture is None:
        return False
    kept = model.realtime.capture.sample_percent > 0
    return kept and options.modes.get(name, options.mode) == _INSTANCES


def _asked(context: Context, chosen: SageMakerMonitoring, name: str) -> dict[str, Any]:
    """The monitors that the options name for a model, and where their baselines begin."""
    asked: dict[str, Any] = {}
    if name in chosen.model_quality:
        asked["model_quality"] = _quality(chosen.model_quality[name])
    for option in ("bias", "explainability"):
        watch = getattr(chosen, option).get(name)
        if watch is not None:
            asked[option] = watch.model_dump(mode="json", exclude_none=True)
    columns: dict[str, list[str]] = {
        option: asked[option]["columns"] for option in ("bias", "explainability") if option in asked
    }
    if asked or chosen.data_quality:
        asked["reference"] = _reference(context, name, columns)
    return asked


def _quality(watch: ModelQuality) -> dict[str, Any]:
    problem = "".join(word.capitalize() for word in watch.problem.split("_"))
    return {"problem": problem, **_given(probability_threshold=watch.probability_threshold)}


def _reference(context: Context, name: str, columns: dict[str, list[str]]) -> pulumi.Output[str]:
    """The `ReferenceSettings` of a released version as JSON."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    workload = context.settings.workload
    version = context.releases[name]
    output = foundation.artifact_root.apply(lambda root: f"{root}/monitoring/{name}/baselines/{version}/reference")
    own = foundation.artifact_root.apply(lambda root: f"{root}/runs/{name}")
    others = [f"s3://{bucket}/runs/{name}" for bucket in _other_buckets(context)]
    return pulumi.Output.json_dumps(
        {
            "model": name,
            "version": version,
            "workload": {"entry_point": "" if workload is None else workload.entry_point},
            "runs": [own, *others],
            "output": output,
            "columns": columns,
        },
        sort_keys=True,
    )


def _other_buckets(context: Context) -> list[str]:
    """The buckets of artifacts of the other environments: a version that one trained may be released in another."""
    found = []
    for scope, environment in context.blueprint.environments.items():
        target, chosen = environment.target_on(Platform.AWS), environment.settings.stages.foundation
        if scope != context.scope and isinstance(target, AwsTarget) and isinstance(chosen, AwsFoundation):
            adopted = chosen.artifacts_bucket
            placed: AwsPlacement = {
                "blueprint": context.blueprint.name,
                "scope": scope,
                "account_id": target.account,
                "region": target.region,
            }
            found.append(adopted.name if isinstance(adopted, AdoptBucket) else bucket_name(placed, "artifacts"))
    return found


def _schedule(model: ModelConfig) -> MonitorSchedule:
    asked = model.monitoring.schedule if model.monitoring else None
    daily: Schedule = {"cron": DAILY["cron"], "timezone": DAILY["timezone"]}
    return monitor_schedule(asked or daily)


def _limits(chosen: SageMakerMonitoring, model: ModelConfig) -> dict[str, Any]:
    limits = limits_of(model, chosen.windows_running)
    slowest = limits["latency_p99_ms"]
    return {
        "latency_p50_ms": chosen.latency_p50_ms or slowest,
        "latency_p95_ms": chosen.latency_p95_ms or slowest,
        "latency_p99_ms": slowest,
        "errors_4xx_percent": chosen.refused_percent,
        "errors_5xx_percent": limits["error_rate_percent"],
        "cpu_percent": chosen.cpu_percent,
        "memory_percent": chosen.memory_percent,
        "gpu_percent": chosen.gpu_percent,
        "drift": limits["drift"],
        "drifted_features": limits["drifted_features"],
        "windows_running": chosen.windows_running,
        "minimum_quality": limits["minimum_quality"],
    }


def _retraining(context: Context, name: str, model: ModelConfig) -> dict[str, Any]:
    asked = model.retraining or Retraining()
    training: Any = context.contract(Stage.TRAINING_PIPELINE)
    if not asked.on_drift or training is None:
        return {}
    pipeline = training.pipelines.apply(lambda arns: arns[name])
    return {"retraining_pipeline": pipeline, "cooldown_hours": asked.cooldown_hours}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
