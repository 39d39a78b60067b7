"""Rules that tell people how runs of a pipeline ended, and patterns of the events that delivery listens to."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from mlops_components.aws_delivery.builds import BuildPlace
from mlops_components.aws_delivery.names import CODEPIPELINE, EVENT_RULE, name_of
from mlops_components.tags import aws_tags

STATES = {"success": ["SUCCEEDED"], "failure": ["FAILED"]}
"""Topic -> the states of a run that it is told of."""


def ended_pattern(pipeline: str, states: Sequence[str]) -> dict[str, Any]:
    """Return the pattern of a pipeline's end. Source: CodePipeline User Guide, "Monitoring CodePipeline events"."""
    return {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Pipeline Execution State Change"],
        "detail": {"pipeline": [pipeline], "state": list(states)},
    }


def approved_pattern(groups: Sequence[str]) -> dict[str, Any]:
    """Return the pattern of a version's approval, for groups of model packages.

    Source: SageMaker Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
    """
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": sorted(groups), "ModelApprovalStatus": ["Approved"]},
    }


def tell(place: BuildPlace, purpose: str, topics: Mapping[str, pulumi.Input[str]]) -> None:
    """Tell topics of the ends of a pipeline's runs; a topic's own policy lets EventBridge publish."""
    pipeline = name_of(place.placement, purpose, CODEPIPELINE)
    for kind, states in STATES.items():
        if kind not in topics:
            continue
        rule = event_rule(place, f"{purpose}{kind}", ended_pattern(pipeline, states))
        aws.cloudwatch.EventTarget(
            f"{place.name}-{purpose}-{kind}-target",
            rule=rule.name,
            target_id="topic",
            arn=topics[kind],
            input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                input_paths={
                    "pipeline": "$.detail.pipeline",
                    "state": "$.detail.state",
                    "run": "$.detail.execution-id",
                },
                input_template='"Pipeline <pipeline>: <state> (run <run>)."',
            ),
            opts=pulumi.ResourceOptions(parent=place.parent),
        )


def event_rule(place: BuildPlace, purpose: str, pattern: Mapping[str, Any]) -> aws.cloudwatch.EventRule:
    """Register a rule on the account's own bus."""
    return aws.cloudwatch.EventRule(
        f"{place.name}-{purpose}-rule",
        name=name_of(place.placement, purpose, EVENT_RULE),
        event_pattern=json.dumps(pattern),
        tags=aws_tags(place.placement, place.stage),
        opts=pulumi.ResourceOptions(parent=place.parent),
    )
