"""Nested inputs are Args objects, never dict literals: the SDK checks the one and not the other."""

from collections.abc import Callable, Iterator
from typing import Any

import pulumi

from mlops_components.experiment_tracking.sagemaker_mlflow import SageMakerMlflow
from mlops_components.foundation.aws.foundation import AwsFoundation, AwsSharedFoundation
from mlops_components.identity.aws import AwsIdentity
from mlops_components.model_registry.sagemaker import SageMakerModelRegistry

pytest_plugins = ["aws_plans"]


def untyped(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield path
    elif isinstance(value, list):
        for position, member in enumerate(value):
            yield from untyped(member, f"{path}[{position}]")


def test_no_resource_is_given_a_dict_but_for_its_tags(plan_aws: Callable[..., Any], place: Callable[..., Any]) -> None:
    found: list[str] = []

    def watch(args: pulumi.ResourceTransformationArgs) -> None:
        if not isinstance(args.resource, pulumi.ComponentResource):
            for key, value in args.props.items():
                if key != "tags":
                    found.extend(untyped(value, f"{args.name}.{key}"))

    def build(options: pulumi.ResourceOptions) -> None:
        pulumi.runtime.register_stack_transformation(watch)
        made = AwsFoundation("foundation", {"placement": place()}, options)
        AwsSharedFoundation("shared", {"placement": place("shared"), "reader_account_ids": ["444455556666"]}, options)
        identity = AwsIdentity(
            "identity",
            {
                "placement": place(),
                "purpose": "tracking",
                "on_behalf_of": "experiment_tracking",
                "services": ["sagemaker.amazonaws.com"],
                "grants": made.grant_artifacts_write("mlflow"),
            },
            options,
        )
        SageMakerMlflow(
            "tracking",
            {
                "placement": place(),
                "models": ["delay"],
                "artifact_root": made.artifact_root,
                "role_arn": identity.role_arn,
            },
            options,
        )
        SageMakerModelRegistry("registry", {"placement": place("shared"), "models": ["delay"]}, options)

    plan = plan_aws(build)
    assert len(list(plan.custom())) > 40
    assert found == []
    assert list(untyped([{"a": 1}], "x")) == ["x[0]"]
