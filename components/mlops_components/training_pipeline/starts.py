"""What starts training pipelines on AWS, and what says how they ended; the same for both engines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.naming import NameRule, physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.spec.aws_schedules import aws_cron
from mlops_components.spec.pipeline import Schedule
from mlops_components.tags import aws_tags
from mlops_components.training_pipeline.aws_args import AwsNewData, AwsPipeline, AwsTrainingArgs

# EventBridge and EventBridge Scheduler API References: 64 characters for a rule and for a schedule.
_RULE = NameRule(limit=64)
STARTERS = ("events.amazonaws.com", "scheduler.amazonaws.com")
"""The services that start pipelines."""


@dataclass(frozen=True)
class Started:
    """A pipeline, as its starters see it."""

    model: str
    arn: pulumi.Output[str]
    takes_input: bool
    """Whether a start is told something: a state machine takes JSON, a SageMaker pipeline only parameters."""


@dataclass(frozen=True)
class Starts:
    """What all starters of an environment have in common."""

    component: str
    parent: pulumi.Resource
    placement: AwsPlacement
    role_arn: Optional[pulumi.Input[str]]

    def all(self, started: Started, pipeline: AwsPipeline, args: AwsTrainingArgs) -> None:
        """Whatever starts a model's pipeline by itself."""
        schedule, data = pipeline["spec"]["schedule"], pipeline.get("new_data")
        if schedule is not None:
            self.schedule(started, schedule, args.get("flexible_minutes", 0))
        if data is not None:
            self.new_data(started, data)

    def listen(self, bucket: pulumi.Input[str]) -> None:
        """Have a bucket tell EventBridge of its objects. A bucket has one such setting; this one replaces others."""
        aws.s3.BucketNotification(
            f"{self.component}-bucket-events",
            bucket=bucket,
            eventbridge=True,
            opts=pulumi.ResourceOptions(parent=self.parent),
        )

    def schedule(self, pipeline: Started, schedule: Schedule, flexible_minutes: int) -> None:
        """Start a pipeline at the times of a schedule, in its own time zone."""
        window: dict[str, Any] = {"mode": "FLEXIBLE" if flexible_minutes else "OFF"}
        if flexible_minutes:
            window["maximum_window_in_minutes"] = flexible_minutes
        aws.scheduler.Schedule(
            f"{self.component}-{pipeline.model}-schedule",
            name=self._name(pipeline.model, "training"),
            description=f"Trains {pipeline.model}",
            schedule_expression=aws_cron(schedule["cron"]),
            schedule_expression_timezone=schedule.get("timezone", "UTC"),
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(**window),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=pipeline.arn,
                role_arn=self._role(),
                input="{}" if pipeline.takes_input else None,
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=5
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )

    def new_data(self, pipeline: Started, data: AwsNewData) -> None:
        """Start a pipeline when an object arrives."""
        rule = aws.cloudwatch.EventRule(
            f"{self.component}-{pipeline.model}-new-data",
            name=self._name(pipeline.model, "data"),
            description=f"New data for {pipeline.model}",
            event_pattern=pulumi.Output.from_input(data["bucket"]).apply(
                lambda bucket: new_data_pattern(bucket, data["prefix"], data["suffix"], data["excluded"])
            ),
            tags=aws_tags(self.placement, "training_pipeline"),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )
        aws.cloudwatch.EventTarget(
            f"{self.component}-{pipeline.model}-new-data-target",
            rule=rule.name,
            target_id="training",
            arn=pipeline.arn,
            role_arn=self._role(),
            input="{}" if pipeline.takes_input else None,
            opts=pulumi.ResourceOptions(parent=self.parent),
        )

    def tell(self, kind: str, topic_arn: pulumi.Input[str], pattern: pulumi.Output[str], words: "Words") -> None:
        """Have a topic told of what an event pattern matches."""
        rule = aws.cloudwatch.EventRule(
            f"{self.component}-{kind}",
            name=self._name(kind, "runs"),
            description=f"Training runs: {kind}",
            event_pattern=pattern,
            tags=aws_tags(self.placement, "training_pipeline"),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )
        aws.cloudwatch.EventTarget(
            f"{self.component}-{kind}-topic",
            rule=rule.name,
            target_id="topic",
            arn=topic_arn,
            input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                input_paths=dict(words.paths), input_template=json.dumps(words.sentence)
            ),
            opts=pulumi.ResourceOptions(parent=self.parent),
        )

    def _role(self) -> pulumi.Input[str]:
        if self.role_arn is None:
            raise ValueError("'start_role_arn' is missing: something starts a pipeline by itself.")
        return self.role_arn

    def _name(self, first: str, last: str) -> str:
        return physical_name((self.placement["blueprint"], self.placement["scope"], first, last), _RULE)


@dataclass(frozen=True)
class Words:
    """What a topic is told of an event."""

    paths: Mapping[str, str]
    """Word -> where it stands in the event."""
    sentence: str
    """With the words as `<word>`."""


def new_data_pattern(bucket: str, prefix: str, suffix: str, excluded: Sequence[str]) -> str:
    """Return the pattern of objects that arrive. Source: S3 User Guide, "Using EventBridge"."""
    key: Any = None
    if prefix and suffix:
        key = [{"wildcard": f"{prefix}*{suffix}"}]
    elif prefix or suffix:
        key = [{"prefix": prefix}] if prefix else [{"suffix": suffix}]
    elif excluded:
        key = [{"anything-but": {"prefix": sorted(excluded)}}]
    detail: dict[str, Any] = {"bucket": {"name": [bucket]}, **({"object": {"key": key}} if key else {})}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    return json.dumps(pattern, sort_keys=True)


def pipeline_end_pattern(arns: Sequence[str], statuses: Sequence[str]) -> str:
    """Return the pattern of ends of SageMaker pipelines.

    Source: SageMaker Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
    """
    detail = {"pipelineArn": sorted(arns), "currentPipelineExecutionStatus": list(statuses)}
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": detail,
    }
    return json.dumps(pattern, sort_keys=True)


def machine_end_pattern(arns: Sequence[str], statuses: Sequence[str]) -> str:
    """Return the pattern of ends of state machines.

    Source: Step Functions Developer Guide, "Automating Step Functions event delivery with EventBridge".
    """
    detail = {"stateMachineArn": sorted(arns), "status": list(statuses)}
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": detail,
    }
    return json.dumps(pattern, sort_keys=True)


PIPELINE_WORDS = Words(
    {"status": "$.detail.currentPipelineExecutionStatus", "run": "$.detail.pipelineExecutionArn"},
    "Training ended with status <status>: <run>",
)
MACHINE_WORDS = Words(
    {"status": "$.detail.status", "run": "$.detail.executionArn"}, "Training ended with status <status>: <run>"
)
