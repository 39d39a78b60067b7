"""Versions of models as SageMaker model packages: one group per model, once per blueprint.

Other accounts may register versions, look at them and deploy them, and that is all: approving stays with the account
of the registry. They also need to read the artifacts behind a version, and its image, which the foundations allow.

MLflow cannot write here by itself: `mlflow.set_registry_uri` knows no model package groups. `registry_uri` is therefore
of a kind that only the runtime's own registry opens, and a version reaches its group through the register step of the
training pipeline.

A group that still holds versions cannot be deleted by SageMaker's rules: with the lifecycle `delete`, destroy fails and
names it until its versions are gone.
"""

import json
from collections.abc import Sequence
from typing import NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.grants import AwsGrant, aws_grant, document, statement
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import SAGEMAKER, physical_name
from mlops_components.placement import AwsPlacement, account_root, aws_partition
from mlops_components.tags import aws_tags

# SageMaker Developer Guide, "Deploy a model version from a different account", and what registering takes, without the
# right to approve: a version that another account registers waits, or is approved as its own settings say.
_DEPLOY = (
    "sagemaker:CreateModel",
    "sagemaker:CreateModelPackage",
    "sagemaker:DescribeModelPackage",
    "sagemaker:ListModelPackages",
)


class SageMakerModelRegistryArgs(TypedDict):
    """What the registry consists of."""

    placement: AwsPlacement
    """Scope, account and region."""
    models: list[str]
    """The blueprint's names of the models, each of which gets a group."""
    descriptions: NotRequired[dict[str, str]]
    """Model -> what it is for, at most 1,024 characters. Changing one replaces the group. Default: none."""
    reader_account_ids: NotRequired[list[str]]
    """Other accounts that may register versions, read and deploy them. Default: none."""
    cards: NotRequired[bool]
    """Whether each model has a model card, which says what it is for and whose it is; default true."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the groups when the stack is destroyed; default `retain`."""


class SageMakerModelRegistry(pulumi.ComponentResource):
    """Model package groups, one per model."""

    stage = "model_registry"
    platform = "aws"

    registry_uri: pulumi.Output[str]
    """`sagemaker://<region>`: what the runtime's registry opens; MLflow's clients know no such registry."""
    registered_models: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> ARN of its model package group."""

    def __init__(
        self, name: str, args: SageMakerModelRegistryArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        args = checked(args, SageMakerModelRegistryArgs, "SageMakerModelRegistry")
        _check_models(args)
        super().__init__("mlops-stacks:index:SageMakerModelRegistry", name, {**args}, opts)
        self._placement = args["placement"]
        self._groups = {model: self._group(name, model, args) for model in args["models"]}
        self.registry_uri = pulumi.Output.from_input(f"sagemaker://{args['placement']['region']}")
        for model in args["models"] if args.get("cards", True) else ():
            self._card(name, model, args)
        self.registered_models = pulumi.Output.from_input({model: group.arn for model, group in self._groups.items()})
        self.register_outputs({output: getattr(self, output) for output in SageMakerModelRegistry.__annotations__})

    def grant_register(self, model: str) -> list[AwsGrant]:
        """Permission to register versions of one model, with the approval that they begin with."""
        return grants_to_register(self._placement, self._arns(model)[0], model)

    def grant_review(self, model: str) -> list[AwsGrant]:
        """Permission to approve and reject versions of one model, and to write down what became of them."""
        _, versions = self._arns(model)
        return [aws_grant(["sagemaker:UpdateModelPackage"], [versions]), *self.grant_deploy(model)]

    def grant_deploy(self, model: str) -> list[AwsGrant]:
        """Permission to look at versions of one model; what deploys one needs `sagemaker:CreateModel` besides."""
        _, versions = self._arns(model)
        return [aws_grant(["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"], [versions])]

    def _card(self, name: str, model: str, args: SageMakerModelRegistryArgs) -> None:
        placement = args["placement"]
        aws.sagemaker.ModelCard(
            f"{name}-{model}-card",
            model_card_name=group_name(placement, model),
            model_card_status="Draft",
            content=card_content(placement, model, (args.get("descriptions") or {}).get(model)),
            tags=aws_tags(placement, "model_registry"),
            opts=stateful(self, args.get("lifecycle", Lifecycle.RETAIN)),
        )

    def _arns(self, model: str) -> tuple[pulumi.Input[str], str]:
        if model not in self._groups:
            raise ArgsError(f"SageMakerModelRegistry: there is no model '{model}'; add it to 'models'.")
        return self._groups[model].arn, _versions_arn(self._placement, group_name(self._placement, model))

    def _group(self, name: str, model: str, args: SageMakerModelRegistryArgs) -> aws.sagemaker.ModelPackageGroup:
        placement = args["placement"]
        group = aws.sagemaker.ModelPackageGroup(
            f"{name}-{model}",
            model_package_group_name=group_name(placement, model),
            model_package_group_description=(args.get("descriptions") or {}).get(model),
            tags=aws_tags(placement, "model_registry"),
            opts=stateful(self, args.get("lifecycle", Lifecycle.RETAIN)),
        )
        others = sorted(set(args.get("reader_account_ids") or []) - {placement["account_id"]})
        if others:
            aws.sagemaker.ModelPackageGroupPolicy(
                f"{name}-{model}-policy",
                model_package_group_name=group.model_package_group_name,
                resource_policy=group.arn.apply(
                    lambda arn: reader_policy(
                        arn, _versions_arn(placement, group_name(placement, model)), others, placement
                    )
                ),
                opts=pulumi.ResourceOptions(parent=self, deleted_with=group),
            )
        return group


def grants_to_register(placement: AwsPlacement, group_arn: pulumi.Input[str], model: str) -> list[AwsGrant]:
    """Permission to register versions of a model, with the approval that they begin with, for whoever knows its group.

    `placement` is that of the registry, which may be in another account than who registers.
    """
    versions = _versions_arn(placement, group_name(placement, model))
    return [
        aws_grant(["sagemaker:CreateModelPackage"], [group_arn, versions]),
        aws_grant(["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"], [versions]),
    ]


def card_content(placement: AwsPlacement, model: str, description: Optional[str]) -> str:
    """Return what a model's card says, as JSON in SageMaker's schema; its versions have cards of their own."""
    overview: dict[str, str] = {"model_name": model, "model_description": description or f"The model {model}"}
    if placement.get("owner"):
        overview["model_owner"] = placement["owner"]
    card = {
        "model_overview": overview,
        "additional_information": {
            "custom_details": {"blueprint": placement["blueprint"], "versions": group_name(placement, model)}
        },
    }
    return json.dumps(card, sort_keys=True)


def group_name(placement: AwsPlacement, model: str) -> str:
    """Return the name of a model's group."""
    return physical_name((placement["blueprint"], placement["scope"], model), SAGEMAKER)


def reader_policy(group_arn: str, versions_arn: str, account_ids: Sequence[str], placement: AwsPlacement) -> str:
    """Return the policy by which other accounts may register, read and deploy versions of a group."""
    roots = {"AWS": [account_root(account_id, placement["region"]) for account_id in account_ids]}
    return document(
        [
            statement("Allow", ["sagemaker:DescribeModelPackageGroup"], [group_arn], sid="ReadGroup", principals=roots),
            statement("Allow", _DEPLOY, [versions_arn], sid="RegisterAndDeployVersions", principals=roots),
        ]
    )


def _versions_arn(placement: AwsPlacement, group: str) -> str:
    where = f"{placement['region']}:{placement['account_id']}"
    return f"arn:{aws_partition(placement['region'])}:sagemaker:{where}:model-package/{group}/*"


def _check_models(args: SageMakerModelRegistryArgs) -> None:
    models = args["models"]
    repeated = sorted({model for model in models if models.count(model) > 1}) if len(set(models)) < len(models) else []
    if repeated:
        raise ArgsError(f"SageMakerModelRegistry: 'models' names '{repeated[0]}' twice; name each model once.")
    unknown = sorted(set(args.get("descriptions") or {}) - set(models))
    if unknown:
        raise ArgsError(
            f"SageMakerModelRegistry: 'descriptions' has '{unknown[0]}', which is not in 'models'; add it there."
        )
