"""Stages and actions of CodePipeline. Source: CodePipeline User Guide, "Action structure reference"."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Optional

import pulumi
import pulumi_aws as aws

from mlops_components.aws_delivery.builds import BuildPlace
from mlops_components.aws_delivery.names import CODEPIPELINE, name_of
from mlops_components.tags import aws_tags

SOURCE = "Source"
COMMIT, BRANCH = "#{Source.CommitId}", "#{Source.BranchName}"
EXECUTION = "#{codepipeline.PipelineExecutionId}"


class Turn(StrEnum):
    """What a run does while another one is under way."""

    QUEUED = "QUEUED"
    """It waits. One that overtook another would leave an environment with the older of two changes."""
    SUPERSEDED = "SUPERSEDED"
    """It waits, in place of those that wait already."""
    PARALLEL = "PARALLEL"
    """It does not wait, since it has nothing to do with the other."""


def source_stage(
    connection: pulumi.Input[str], repository: str, branch: str, *, clones: bool
) -> aws.codepipeline.PipelineStageArgs:
    """The commit that a run works on. With `clones` builds get a clone that they can push from, not its files alone.

    Changes are not detected here: a trigger, an event or a person starts the pipeline.
    """
    return aws.codepipeline.PipelineStageArgs(
        name=SOURCE,
        actions=[
            aws.codepipeline.PipelineStageActionArgs(
                name=SOURCE,
                namespace=SOURCE,
                category="Source",
                owner="AWS",
                provider="CodeStarSourceConnection",
                version="1",
                output_artifacts=[SOURCE],
                configuration={
                    "ConnectionArn": connection,
                    "FullRepositoryId": repository,
                    "BranchName": branch,
                    "DetectChanges": "false",
                    "OutputArtifactFormat": "CODEBUILD_CLONE_REF" if clones else "CODE_ZIP",
                },
            )
        ],
    )


def build_action(
    name: str,
    project: aws.codebuild.Project,
    inputs: Sequence[str],
    *,
    variables: Optional[Mapping[str, str]] = None,
    output: Optional[str] = None,
    order: int = 1,
) -> aws.codepipeline.PipelineStageActionArgs:
    """A build; what it exports is in the namespace of its name. The first of its inputs is where it begins."""
    configuration: dict[str, pulumi.Input[str]] = {"ProjectName": project.name}
    if len(inputs) > 1:
        configuration["PrimarySource"] = inputs[0]
    if variables:
        told = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in sorted(variables.items())]
        configuration["EnvironmentVariables"] = json.dumps(told)
    return aws.codepipeline.PipelineStageActionArgs(
        name=name,
        namespace=name,
        category="Build",
        owner="AWS",
        provider="CodeBuild",
        version="1",
        run_order=order,
        input_artifacts=list(inputs),
        output_artifacts=[output] if output else None,
        configuration=configuration,
    )


def approval_action(
    name: str, question: str, link: str, topic: Optional[pulumi.Input[str]], timeout_minutes: int, order: int
) -> aws.codepipeline.PipelineStageActionArgs:
    """A person's word, asked for at a topic where there is one."""
    configuration: dict[str, pulumi.Input[str]] = {"CustomData": question, "ExternalEntityLink": link}
    if topic is not None:
        configuration["NotificationArn"] = topic
    return aws.codepipeline.PipelineStageActionArgs(
        name=name,
        category="Approval",
        owner="AWS",
        provider="Manual",
        version="1",
        run_order=order,
        timeout_in_minutes=timeout_minutes,
        configuration=configuration,
    )


def pipeline(
    place: BuildPlace,
    purpose: str,
    role_arn: pulumi.Input[str],
    bucket: pulumi.Input[str],
    stages: Sequence[aws.codepipeline.PipelineStageArgs],
    *,
    variables: Optional[Mapping[str, str]] = None,
    trigger: Optional[aws.codepipeline.PipelineTriggerArgs] = None,
    turn: Turn = Turn.QUEUED,
) -> aws.codepipeline.Pipeline:
    """Register a pipeline; `variables` are what a run is started with, and what each is for."""
    key = place.key_arn
    encryption = aws.codepipeline.PipelineArtifactStoreEncryptionKeyArgs(id=key, type="KMS") if key else None
    return aws.codepipeline.Pipeline(
        f"{place.name}-{purpose}-pipeline",
        name=name_of(place.placement, purpose, CODEPIPELINE),
        pipeline_type="V2",
        execution_mode=turn.value,
        role_arn=role_arn,
        artifact_stores=[
            aws.codepipeline.PipelineArtifactStoreArgs(type="S3", location=bucket, encryption_key=encryption)
        ],
        stages=list(stages),
        triggers=[trigger] if trigger else None,
        variables=[
            aws.codepipeline.PipelineVariableArgs(name=name, description=what)
            for name, what in sorted((variables or {}).items())
        ]
        or None,
        tags=aws_tags(place.placement, place.stage),
        opts=pulumi.ResourceOptions(parent=place.parent),
    )
