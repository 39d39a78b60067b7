"""Predictions on a schedule: EventBridge Scheduler starts a batch transform job of SageMaker.

The scheduler calls `CreateTransformJob` itself, so there is nothing in between to keep running. A job's name and the
folder of its predictions come from the scheduler's own words for the start: two starts never share either.
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from mlops_components.placement import aws_partition
from mlops_components.serving.aws_names import EVENT_RULE, SCHEDULE, named, transform_job_prefix
from mlops_components.serving.sagemaker_args import BatchLines, SageMakerBatch, SageMakerServingArgs
from mlops_components.spec.aws_schedules import aws_cron
from mlops_components.spec.training_machines import takes_volume_key
from mlops_components.tags import aws_tags

_CONTENT_TYPES = {BatchLines.JSON: "application/jsonlines", BatchLines.CSV: "text/csv"}
_LARGEST_PAYLOAD_MB = 6
# EventBridge Scheduler User Guide, "Adding context attributes": words that it replaces when it starts a target.
EXECUTION, TIME = "<aws.scheduler.execution-id>", "<aws.scheduler.scheduled-time>"
_RETRY_SECONDS = 3_600


class Batch:
    """The schedule of one model's batch predictions."""

    def __init__(
        self, name: str, model: str, batch: SageMakerBatch, args: SageMakerServingArgs, child: pulumi.ResourceOptions
    ) -> None:
        """Nothing is registered before `made` is called."""
        self._name, self._model, self._batch, self._args, self._child = name, model, batch, args, child
        self._placement = args["placement"]

    def made(self, model_name: pulumi.Output[str]) -> pulumi.Output[str]:
        """Register it, for the name of SageMaker's model; return the schedule's ARN."""
        batch, sdk = self._batch, aws.scheduler
        schedule = sdk.Schedule(
            f"{self._name}-schedule",
            name=named(self._placement, self._model, SCHEDULE),
            description=f"Batch predictions of {self._model}",
            schedule_expression=aws_cron(batch["schedule"]["cron"]),
            schedule_expression_timezone=batch["schedule"].get("timezone", "UTC"),
            flexible_time_window=sdk.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=sdk.ScheduleTargetArgs(
                arn=f"arn:{aws_partition(self._placement['region'])}:scheduler:::aws-sdk:sagemaker:createTransformJob",
                role_arn=batch["schedule_role_arn"],
                input=self._request(model_name),
                retry_policy=sdk.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=3, maximum_event_age_in_seconds=_RETRY_SECONDS
                ),
            ),
            opts=self._child,
        )
        if batch.get("failure_topic_arn"):
            self._tell_of_failures(batch["failure_topic_arn"])
        return pulumi.Output.from_input(schedule.arn)

    def _request(self, model_name: pulumi.Output[str]) -> pulumi.Output[str]:
        prefix, batch = transform_job_prefix(self._placement, self._model), self._batch
        known: Mapping[str, Any] = {
            "prefix": prefix,
            "lines": BatchLines(batch.get("lines", BatchLines.JSON)),
            "instance_type": batch["instance_type"],
            "machines": batch["machines"],
        }
        return pulumi.Output.all(
            model=model_name, input=batch["input"], output=batch["output"], key=self._args.get("key_arn")
        ).apply(lambda later: json.dumps(transform_request(known, later), sort_keys=True))

    def _tell_of_failures(self, topic: pulumi.Input[str]) -> None:
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-failed",
            name=named(self._placement, self._model, EVENT_RULE),
            description=f"Batch predictions of {self._model} have failed",
            event_pattern=json.dumps(
                failure_pattern(transform_job_prefix(self._placement, self._model)), sort_keys=True
            ),
            tags=aws_tags(self._placement, "serving"),
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            f"{self._name}-failed-topic", rule=rule.name, arn=topic, target_id="topic", opts=self._child
        )


def transform_request(known: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `CreateTransformJob`; `later` is what only a deployment knows."""
    content = _CONTENT_TYPES[known["lines"]]
    key = {"KmsKeyId": later["key"]} if later["key"] else {}
    volume_key = {"VolumeKmsKeyId": later["key"]} if later["key"] and takes_volume_key(known["instance_type"]) else {}
    return {
        "TransformJobName": f"{known['prefix']}-{EXECUTION}",
        "ModelName": later["model"],
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": _LARGEST_PAYLOAD_MB,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{later['input']}/"}},
            "ContentType": content,
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"{later['output']}/{TIME}",
            "Accept": content,
            "AssembleWith": "Line",
            **key,
        },
        "TransformResources": {
            "InstanceType": known["instance_type"],
            "InstanceCount": known["machines"],
            **volume_key,
        },
    }


def failure_pattern(prefix: str) -> dict[str, Any]:
    """What EventBridge looks for: a batch job of ours that has failed."""
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Transform Job State Change"],
        "detail": {"TransformJobName": [{"prefix": f"{prefix}-"}], "TransformJobStatus": ["Failed"]},
    }
