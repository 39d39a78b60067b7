"""Training pipelines as state machines of Step Functions, whose steps are jobs of SageMaker."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from mlops_components.args import ArgsError, checked
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.naming import NameRule, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.tags import aws_tags
from mlops_components.training_pipeline.aws_args import AwsPipeline, AwsTrainingArgs
from mlops_components.training_pipeline.aws_documents import stored_document
from mlops_components.training_pipeline.sagemaker import jobs_of, known
from mlops_components.training_pipeline.starts import MACHINE_WORDS, Started, Starts, machine_end_pattern
from mlops_components.training_pipeline.state_machine import state_machine

SERVICE = "states.amazonaws.com"
"""The service that assumes the role of the state machines."""

# Step Functions API Reference: 80 characters.
_MACHINE = NameRule(limit=80)


class StepFunctionsTrainingPipeline(pulumi.ComponentResource):
    """Training pipelines, run by Step Functions. It refuses tuning and bias checks, which are steps of SageMaker's."""

    stage = "training_pipeline"
    platform = "aws"

    pipelines: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> ARN of its state machine; empty as long as no image is delivered."""

    def __init__(self, name: str, args: AwsTrainingArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, AwsTrainingArgs, "StepFunctionsTrainingPipeline")
        _check(args)
        super().__init__("mlops-stacks:index:StepFunctionsTrainingPipeline", name, {**args}, opts)
        starts = Starts(name, self, args["placement"], args.get("start_role_arn"))
        arns = {model: self._machine(name, model, pipeline, args) for model, pipeline in args["models"].items()}
        for model, pipeline in args["models"].items():
            starts.all(Started(model, arns[model], takes_input=True), pipeline, args)
        watched = args.get("watched_bucket")
        if watched is not None:
            starts.listen(watched)
        if arns:
            _tell(starts, args.get("topics") or {}, arns)
        self.pipelines = pulumi.Output.all(**arns) if arns else pulumi.Output.from_input({})
        self.register_outputs({"pipelines": self.pipelines})

    def _machine(self, name: str, model: str, pipeline: AwsPipeline, args: AwsTrainingArgs) -> pulumi.Output[str]:
        placement = args["placement"]
        settings = stored_document(
            f"{name}-{model}-settings", self, placement, args["artifact_bucket"], model, pipeline["settings"]
        )
        made = aws.sfn.StateMachine(
            f"{name}-{model}",
            name=machine_name(placement, model),
            type="STANDARD",
            role_arn=args["engine_role_arn"],
            definition=known(args, settings).apply(
                lambda values: state_machine(jobs_of(values, model, pipeline, args), values["bucket"])
            ),
            tags=aws_tags(placement, "training_pipeline"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        arn: pulumi.Output[str] = made.arn
        return arn


def _check(args: AwsTrainingArgs) -> None:
    if args.get("cache_hours") is not None:
        raise ArgsError("StepFunctionsTrainingPipeline: only SageMaker caches steps; leave 'cache_hours' out.")
    for model, pipeline in args["models"].items():
        for key in ("tuning", "bias_check"):
            if pipeline.get(key) is not None:
                raise ArgsError(
                    f"StepFunctionsTrainingPipeline: '{key}' of '{model}' is a step of SageMaker Pipelines; "
                    "leave it out, or use that engine."
                )


def _tell(starts: Starts, topics: Mapping[str, pulumi.Input[str]], arns: Mapping[str, pulumi.Output[str]]) -> None:
    statuses = {"success": ["SUCCEEDED"], "failure": ["FAILED", "TIMED_OUT"]}
    for kind, topic_arn in topics.items():
        pattern = pulumi.Output.all(*arns.values()).apply(partial(machine_end_pattern, statuses=statuses[kind]))
        starts.tell(kind, topic_arn, pattern, MACHINE_WORDS)


def machine_name(placement: AwsPlacement, model: str) -> str:
    """Return the name of a model's state machine."""
    return physical_name((placement["blueprint"], placement["scope"], model), _MACHINE)


def machine_arn(placement: AwsPlacement, model: str) -> str:
    """Return the ARN of a model's state machine, which is known before it is made."""
    return f"{_arn(placement, 'states')}:stateMachine:{machine_name(placement, model)}"


def grants_to_start(placement: AwsPlacement, models: Sequence[str]) -> list[AwsGrant]:
    """Permission to start runs of some models."""
    return [aws_grant(["states:StartExecution"], [machine_arn(placement, model) for model in models])]


def grants_to_follow(placement: AwsPlacement) -> list[AwsGrant]:
    """Permission to hear of the ends of jobs, through rules that Step Functions makes for itself.

    Source: Step Functions Developer Guide, "Create and manage Amazon SageMaker AI jobs", example policies.
    """
    rules = [
        f"{_arn(placement, 'events')}:rule/StepFunctionsGetEventsForSageMaker{kind}JobsRule"
        for kind in ("Processing", "Training")
    ]
    return [aws_grant(["events:DescribeRule", "events:PutRule", "events:PutTargets"], list[Any](rules))]


def _arn(placement: AwsPlacement, service: str) -> str:
    return f"arn:{aws_partition(placement['region'])}:{service}:{placement['region']}:{placement['account_id']}"
