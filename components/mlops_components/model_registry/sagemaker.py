"""Versions of models as SageMaker model packages: one group per model, once per blueprint.

Other accounts may look at versions and deploy them, and that is all: registering and approving stay with the account
of the registry. They also need to read the artifacts behind a version, and its image, which the foundations allow.

MLflow cannot write here by itself: `mlflow.set_registry_uri` knows no model package groups. `registry_uri` is therefore
the tracking ARN where one is given (MLflow's own registry in managed MLflow), else empty, and a version reaches its
group through the register step of the training pipeline.

A group that still holds versions cannot be deleted by SageMaker's rules: with the lifecycle `delete`, destroy fails and
names it until its versions are gone.
"""

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

# SageMaker Developer Guide, "Deploy a model version from a different account", without the right to approve.
_DEPLOY = ("sagemaker:CreateModel", "sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages")
_REVIEW = ("sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages", "sagemaker:UpdateModelPackage")


class SageMakerModelRegistryArgs(TypedDict):
    """What the registry consists of."""

    placement: AwsPlacement
    """Scope, account and region."""
    models: list[str]
    """The blueprint's names of the models, each of which gets a group."""
    descriptions: NotRequired[dict[str, str]]
    """Model -> what it is for, at most 1,024 characters. Changing one replaces the group. Default: none."""
    reader_account_ids: NotRequired[list[str]]
    """Other accounts that may read versions and deploy them. Default: none."""
    registry_uri: NotRequired[pulumi.Input[str]]
    """What MLflow clients use as their registry, that is, the tracking ARN. Default: empty."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the groups when the stack is destroyed; default `retain`."""


class SageMakerModelRegistry(pulumi.ComponentResource):
    """Model package groups, one per model."""

    stage = "model_registry"
    platform = "aws"

    registry_uri: pulumi.Output[str]
    """What `mlflow.set_registry_uri` takes; empty where MLflow clients cannot register."""
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
        self.registry_uri = pulumi.Output.from_input(args.get("registry_uri", ""))
        self.registered_models = pulumi.Output.from_input({model: group.arn for model, group in self._groups.items()})
        self.register_outputs({output: getattr(self, output) for output in SageMakerModelRegistry.__annotations__})

    def grant_register(self, model: str) -> list[AwsGrant]:
        """Permission to register versions of one model and to set their approval."""
        group, versions = self._arns(model)
        return [
            aws_grant(["sagemaker:DescribeModelPackageGroup"], [group]),
            aws_grant(["sagemaker:CreateModelPackage"], [group, versions]),
            aws_grant(_REVIEW, [versions]),
        ]

    def grant_deploy(self, model: str) -> list[AwsGrant]:
        """Permission to look at versions of one model; what deploys one needs `sagemaker:CreateModel` besides."""
        group, versions = self._arns(model)
        return [
            aws_grant(["sagemaker:DescribeModelPackageGroup"], [group]),
            aws_grant(["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"], [versions]),
        ]

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


def group_name(placement: AwsPlacement, model: str) -> str:
    """Return the name of a model's group."""
    return physical_name((placement["blueprint"], placement["scope"], model), SAGEMAKER)


def reader_policy(group_arn: str, versions_arn: str, account_ids: Sequence[str], placement: AwsPlacement) -> str:
    """Return the policy by which other accounts may read and deploy versions of a group."""
    roots = {"AWS": [account_root(account_id, placement["region"]) for account_id in account_ids]}
    return document(
        [
            statement("Allow", ["sagemaker:DescribeModelPackageGroup"], [group_arn], sid="ReadGroup", principals=roots),
            statement("Allow", _DEPLOY, [versions_arn], sid="DeployVersions", principals=roots),
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
