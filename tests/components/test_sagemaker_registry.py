"""The model registry of SageMaker: a group per model, and what other accounts may do with it."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from mlops_components.args import ArgsError
from mlops_components.model_registry.sagemaker import SageMakerModelRegistry
from mlops_components.naming import content_hash

pytest_plugins = ["aws_plans"]

Plans = Callable[..., Any]
OTHER = "444455556666"
VERSIONS = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/shop-shared-delay/*"


def registry(plan_aws: Plans, place: Plans, **args: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        given: Any = {"placement": place("shared"), "models": ["delay"], **args}
        made = SageMakerModelRegistry("registry", given, options)
        outputs = {output: getattr(made, output) for output in SageMakerModelRegistry.__annotations__}
        first = given["models"][0]
        return {
            **outputs,
            "register": made.grant_register(first),
            "review": made.grant_review(first),
            "deploy": made.grant_deploy(first),
        }

    return plan_aws(build)


def test_each_model_has_a_group(plan_aws: Plans, place: Plans) -> None:
    plan = registry(plan_aws, place, models=["delay", "price_eu"], descriptions={"delay": "Late or not"})
    assert plan.types() == {
        "registry-delay": "ModelPackageGroup",
        "registry-delay-card": "ModelCard",
        "registry-price_eu": "ModelPackageGroup",
        "registry-price_eu-card": "ModelCard",
    }
    group = plan.resource("registry-delay")
    assert group.inputs["modelPackageGroupName"] == "shop-shared-delay"
    assert group.inputs["modelPackageGroupDescription"] == "Late or not"
    assert (group.stage, group.options["retainOnDelete"]) == ("model_registry", True)
    # SageMaker takes no underscore, so the name says by a hash which model is meant.
    digest = content_hash(["shop", "shared", "price_eu"])
    assert plan.resource("registry-price_eu").inputs["modelPackageGroupName"] == f"shop-shared-price-eu-{digest}"
    assert plan.outputs["registered_models"] == {
        model: plan.token(f"registry-{model}") for model in ("delay", "price_eu")
    }
    assert plan.outputs["registry_uri"] == "sagemaker://eu-central-1"


def test_a_card_says_what_a_model_is_for_and_whose_it_is(plan_aws: Plans, place: Plans) -> None:
    placement = place("shared", owner="ml@example.com")
    plan = registry(plan_aws, place, placement=placement, descriptions={"delay": "Late or not"})
    card = plan.document("registry-delay-card", "content")
    assert card["model_overview"] == {
        "model_name": "delay",
        "model_description": "Late or not",
        "model_owner": "ml@example.com",
    }
    assert plan.resource("registry-delay-card").inputs["modelCardName"] == "shop-shared-delay"


def test_other_accounts_may_register_and_deploy_but_not_approve(plan_aws: Plans, place: Plans) -> None:
    plan = registry(plan_aws, place, reader_account_ids=[OTHER, "111122223333"], cards=False)
    assert plan.types() == {"registry-delay": "ModelPackageGroup", "registry-delay-policy": "ModelPackageGroupPolicy"}
    statements = plan.statements("registry-delay-policy", "resourcePolicy")
    assert {tuple(one["Principal"]["AWS"]) for one in statements.values()} == {(f"arn:aws:iam::{OTHER}:root",)}
    assert statements["ReadGroup"]["Resource"] == [plan.token("registry-delay")]
    assert statements["RegisterAndDeployVersions"]["Resource"] == [VERSIONS]
    assert statements["RegisterAndDeployVersions"]["Action"] == [
        "sagemaker:CreateModel",
        "sagemaker:CreateModelPackage",
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListModelPackages",
    ]
    assert plan.resource("registry-delay-policy").options["deletedWith"] == plan.resource("registry-delay").urn


def test_grants_are_for_one_model(plan_aws: Plans, place: Plans) -> None:
    plan = registry(plan_aws, place, models=["delay", "price"])
    reached = {
        grants: {arn for grant in plan.outputs[grants] for arn in grant["resources"]}
        for grants in ("register", "review", "deploy")
    }
    assert reached == {
        "register": {plan.token("registry-delay"), VERSIONS},
        "review": {VERSIONS},
        "deploy": {VERSIONS},
    }
    decisive = {
        grants: [g for g in plan.outputs[grants] if "sagemaker:UpdateModelPackage" in g["actions"]]
        for grants in reached
    }
    assert [grants for grants, found in decisive.items() if found] == ["review"]


def test_thousands_of_models_are_planned(plan_aws: Plans, place: Plans) -> None:
    plan = registry(plan_aws, place, models=[f"m_{number}" for number in range(1000)], cards=False)
    names = {resource.inputs["modelPackageGroupName"] for resource in plan.custom()}
    assert len(names) == 1000


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"models": ["delay", "delay"]}, "'models' names 'delay' twice"),
        ({"descriptions": {"dealy": "x"}}, "'descriptions' has 'dealy', which is not in 'models'"),
        ({"model": ["x"]}, "did you mean 'models'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(args: Any, sentence: str, plan_aws: Plans, place: Plans) -> None:
    with pytest.raises(ArgsError, match=sentence):
        registry(plan_aws, place, **args)


def test_a_grant_for_an_unknown_model_is_refused(plan_aws: Plans, place: Plans) -> None:
    def build(options: pulumi.ResourceOptions) -> None:
        made = SageMakerModelRegistry("registry", {"placement": place("shared"), "models": ["delay"]}, options)
        made.grant_deploy("price")

    with pytest.raises(ArgsError, match="there is no model 'price'"):
        plan_aws(build)
