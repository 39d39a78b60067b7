"""Experiment tracking by SageMaker's managed MLflow."""

import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from mlops_components.args import ArgsError
from mlops_components.experiment_tracking.sagemaker_mlflow import SageMakerMlflow

pytest_plugins = ["aws_plans"]

Plans = Callable[..., Any]
ROLE = "arn:aws:iam::111122223333:role/shop-dev-tracking"


def tracking(plan_aws: Plans, place: Plans, **args: Any) -> Any:
    def build(options: pulumi.ResourceOptions) -> dict[str, Any]:
        given: Any = {
            "placement": place(),
            "models": ["delay", "price_eu"],
            "artifact_root": "s3://bucket",
            "role_arn": ROLE,
            **args,
        }
        made = SageMakerMlflow("tracking", given, options)
        outputs = {output: getattr(made, output) for output in SageMakerMlflow.__annotations__}
        return {**outputs, "grants": made.grant_track()}

    return plan_aws(build)


def test_by_default_it_is_a_serverless_app(plan_aws: Plans, place: Plans) -> None:
    plan = tracking(plan_aws, place)
    assert plan.types() == {"tracking-app": "MlflowApp"}
    app = plan.resource("tracking-app")
    assert {key: value for key, value in app.inputs.items() if key != "tags"} == {
        "name": "shop-dev",
        "artifactStoreUri": "s3://bucket/mlflow",
        "roleArn": ROLE,
        "modelRegistrationMode": "AutoModelRegistrationDisabled",
        "accountDefaultStatus": "DISABLED",
        "weeklyMaintenanceWindowStart": "Sun:03:00",
    }
    assert (app.stage, app.options["retainOnDelete"]) == ("experiment_tracking", True)
    assert plan.outputs["tracking_uri"] == plan.token("tracking-app")
    assert plan.outputs["ui_url"] == ""
    assert plan.outputs["grants"] == [
        {
            "actions": ["sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp"],
            "resources": [plan.token("tracking-app")],
        }
    ]


def test_a_server_has_a_size_and_actions_of_its_own(plan_aws: Plans, place: Plans) -> None:
    plan = tracking(
        plan_aws, place, flavour="server", size="Medium", maintenance_window="Tue:01:30", lifecycle="protect"
    )
    assert plan.types() == {"tracking-server": "MlflowTrackingServer"}
    server = plan.resource("tracking-server")
    assert server.inputs["trackingServerName"] == "shop-dev"
    assert server.inputs["trackingServerSize"] == "Medium"
    assert server.inputs["automaticModelRegistration"] is False
    assert server.inputs["weeklyMaintenanceWindowStart"] == "Tue:01:30"
    assert server.options["protect"] is True
    assert plan.outputs["tracking_uri"] == plan.token("tracking-server")
    (grant,) = plan.outputs["grants"]
    assert {"sagemaker-mlflow:CreateRun", "sagemaker-mlflow:LogBatch"} <= set(grant["actions"])
    assert not [action for action in grant["actions"] if "Delete" in action or "RegisteredModel" in action]


def test_each_model_has_an_experiment_that_sagemaker_can_refer_to(plan_aws: Plans, place: Plans) -> None:
    experiments = tracking(plan_aws, place).outputs["experiments"]
    assert experiments == {"delay": "shop-dev-delay", "price_eu": "shop-dev-price_eu"}
    assert all(re.fullmatch(r"[a-zA-Z0-9\-_./]{1,256}", name) for name in experiments.values())


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"size": "Small"}, "an app is serverless; leave it out, or write flavour 'server'"),
        ({"flavour": "cluster"}, "write one of 'app', 'server'"),
        ({"flavour": "server", "size": "Huge"}, "write one of 'Small', 'Medium', 'Large'"),
        ({"rolearn": "x"}, "did you mean 'role_arn'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(args: Any, sentence: str, plan_aws: Plans, place: Plans) -> None:
    with pytest.raises(ArgsError, match=sentence):
        tracking(plan_aws, place, **args)
