"""Who may do what when models are watched: a role for each purpose, made only where it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.monitoring.aws_alarms import alarm_name
from mlops_components.monitoring.aws_kinds import FOLDER, kinds_of
from mlops_components.monitoring.aws_metrics import OWN_NAMESPACE
from mlops_components.monitoring.sagemaker import COUNTER, STARTER, baseline_pipeline_arn, state_machine_arn
from mlops_components.naming import IAM_ROLE, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.spec.monitor_images import CLARIFY, MODEL_MONITOR
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common, releases
from mlops_stacks.compose.on_aws.image import image

_SAGEMAKER, _STATES, _EVENTS = "sagemaker.amazonaws.com", "states.amazonaws.com", "events.amazonaws.com"
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
# Namespaces in which SageMaker's jobs publish: of the jobs themselves, and of what they found.
_JOB_METRICS = ["/aws/sagemaker/ProcessingJobs", "aws/sagemaker/Endpoints/*", "/aws/sagemaker/Endpoints/*"]


def roles(context: Context, models: Mapping[str, Any]) -> dict[str, pulumi.Output[str]]:
    """Argument of the component -> ARN of the role."""
    watched = {name: model for name, model in models.items() if kinds_of(model)}
    starting = {name: model for name, model in models.items() if "retraining_pipeline" in model}
    made: dict[str, pulumi.Output[str]] = {}
    if watched:
        made["monitor_role_arn"] = _role(context, "monitor", _SAGEMAKER, _of_monitors(context, watched))
        made["counter_role_arn"] = _role(context, "counter", _STATES, _of_counter(context))
    if watched and image(context) is not None:
        made["baseline_role_arn"] = _role(context, "baseline", _SAGEMAKER, _of_baselines(context, watched))
    if any(model["cooldown_hours"] for model in starting.values()):
        made["retraining_role_arn"] = _role(context, "retraining", _STATES, _of_starter(context, starting))
    if watched or starting:
        made["events_role_arn"] = _role(context, "watching", _EVENTS, [*_of_events(context, watched, starting)])
    return made


def _role(context: Context, purpose: str, service: str, grants: list[AwsGrant]) -> pulumi.Output[str]:
    return common.identity(context, Stage.MONITORING, purpose, [service], grants).role_arn


def _of_monitors(context: Context, watched: Mapping[str, Any]) -> list[AwsGrant]:
    foundation: Any = context.contract(Stage.FOUNDATION)
    labelled = [name for name, model in watched.items() if any(kind.labels for kind in kinds_of(model))]
    explained = [model for model in watched.values() if "explainability" in model]
    return [
        *_of_jobs(context, watched),
        *(grant for name in watched for grant in foundation.grant_capture_read(name)),
        *(grant for name in labelled for grant in foundation.grant_data_read(f"labels/{name}")),
        aws_grant(["cloudwatch:PutMetricData"], ["*"], {"StringLike": {"cloudwatch:namespace": _JOB_METRICS}}),
        *(_of_endpoint(common.placement(context), model["endpoint"]) for model in explained),
    ]


def _of_baselines(context: Context, watched: Mapping[str, Any]) -> list[AwsGrant]:
    explained = [model for model in watched.values() if "explainability" in model]
    return [
        *_of_jobs(context, watched),
        *releases.grants_of_models(context),
        *releases.grants_of_image(context),
        *_of_pipeline_steps(context),
        aws_grant(["cloudwatch:PutMetricData"], ["*"], {"StringLike": {"cloudwatch:namespace": _JOB_METRICS[:1]}}),
        *(_of_endpoint(common.placement(context), model["endpoint"]) for model in explained),
    ]


def _of_jobs(context: Context, watched: Mapping[str, Any]) -> list[AwsGrant]:
    """What every job of an analyzer needs: its image, its folder, its log, its key and its network."""
    foundation: Any = context.contract(Stage.FOUNDATION)
    placement = common.placement(context)
    region, partition = placement["region"], aws_partition(placement["region"])
    images = [
        f"arn:{partition}:ecr:{region}:{accounts[region]}:repository/{name}"
        for name, accounts, clarify in (
            ("sagemaker-model-monitor-analyzer", MODEL_MONITOR, False),
            ("sagemaker-clarify-processing", CLARIFY, True),
        )
        if any(kind.clarify is clarify for model in watched.values() for kind in kinds_of(model))
    ]
    log = f"arn:{partition}:logs:{region}:{placement['account_id']}:log-group:/aws/sagemaker/ProcessingJobs"
    return [
        aws_grant(["ecr:GetAuthorizationToken"], ["*"]),
        aws_grant(_PULL, images),
        *foundation.grant_artifacts_write(FOLDER),
        *foundation.grant_key_use(),
        aws_grant(_LOGS, [log, f"{log}:log-stream:*"]),
        *common.grants_of_network(context),
    ]


def _of_pipeline_steps(context: Context) -> Iterator[AwsGrant]:
    """What a pipeline needs to run its steps as processing jobs with its own role."""
    placement = common.placement(context)
    partition, account = aws_partition(placement["region"]), placement["account_id"]
    jobs = f"arn:{partition}:sagemaker:{placement['region']}:{account}:processing-job/pipelines-*"
    actions = ("AddTags", "CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob")
    yield aws_grant([f"sagemaker:{action}" for action in actions], [jobs])
    name = physical_name((placement["blueprint"], placement["scope"], "baseline"), IAM_ROLE)
    own = f"arn:{partition}:iam::{account}:role/{name}"
    yield aws_grant(["iam:PassRole"], [own], {"StringEquals": {"iam:PassedToService": [_SAGEMAKER]}})


def _of_endpoint(placement: AwsPlacement, endpoint: pulumi.Input[str]) -> AwsGrant:
    """Clarify asks the endpoint how it answers variants of a row."""
    where = f"arn:{aws_partition(placement['region'])}:sagemaker:{placement['region']}:{placement['account_id']}"
    return aws_grant(
        ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"],
        [pulumi.Output.concat(where, ":endpoint/", endpoint)],
    )


def _of_counter(context: Context) -> list[AwsGrant]:
    foundation: Any = context.contract(Stage.FOUNDATION)
    namespace = {"StringEquals": {"cloudwatch:namespace": [OWN_NAMESPACE]}}
    return [*foundation.grant_artifacts_read(FOLDER), aws_grant(["cloudwatch:PutMetricData"], ["*"], namespace)]


def _of_starter(context: Context, starting: Mapping[str, Any]) -> list[AwsGrant]:
    placement = common.placement(context)
    training: Any = context.settings.stages.training_pipeline
    pipelines = [model["retraining_pipeline"] for model in starting.values()]
    where = f"arn:{aws_partition(placement['region'])}:cloudwatch:{placement['region']}:{placement['account_id']}"
    alarms = [f"{where}:alarm:{alarm_name(placement, name, 'drift')}" for name in starting]
    actions = ["sagemaker:ListPipelineExecutions", "sagemaker:StartPipelineExecution"]
    if training is not None and training.engine == "step_functions":
        actions = ["states:ListExecutions", "states:StartExecution"]
    return [aws_grant(actions, pipelines), aws_grant(["cloudwatch:DescribeAlarms"], alarms)]


def _of_events(context: Context, watched: Mapping[str, Any], starting: Mapping[str, Any]) -> Iterator[AwsGrant]:
    placement = common.placement(context)
    machines = [state_machine_arn(placement, COUNTER)] if watched else []
    if any(model["cooldown_hours"] for model in starting.values()):
        machines.append(state_machine_arn(placement, STARTER))
    training: Any = context.settings.stages.training_pipeline
    direct = [model["retraining_pipeline"] for model in starting.values() if not model["cooldown_hours"]]
    on_states = training is not None and training.engine == "step_functions"
    executed = [*machines, *(direct if on_states else [])]
    if executed:
        yield aws_grant(["states:StartExecution"], executed)
    baselines = [baseline_pipeline_arn(placement, name) for name in watched] if image(context) is not None else []
    started = [*baselines, *([] if on_states else direct)]
    if started:
        yield aws_grant(["sagemaker:StartPipelineExecution"], started)
