"""Managed MLflow of SageMaker: a serverless app, or a tracking server of a size.

Clients reach it by its ARN, through the plugin `sagemaker-mlflow`, with their own AWS credentials; there is no URL
that a browser could open without a presigned one.

It refuses SageMaker's automatic registration of MLflow models: that would put versions into model package groups whose
names SageMaker makes up (the model's name and a hash of the server's), which neither the registry's cross-account
policy nor its lifecycle would cover. Versions are registered by the training pipeline.

The artifact store is encrypted through its bucket's default key. pulumi-aws 7 has no argument for a key of the
service's own metadata, which therefore stays under a key that AWS owns.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NotRequired, Optional

import pulumi
import pulumi_aws as aws
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import MLFLOW_EXPERIMENT, SAGEMAKER_MLFLOW, physical_name
from mlops_components.placement import AwsPlacement
from mlops_components.tags import aws_tags

ARTIFACT_FOLDER = "mlflow"
"""Folder below the artifact root in which MLflow keeps what runs log; grant its writers that much."""
SERVICE = "sagemaker.amazonaws.com"
"""The service that assumes `role_arn`."""

# What a run does through the tracking server, by the table "Actions defined by Amazon SageMaker with MLflow" of the
# Service Authorization Reference. An app has one action for all of it.
_SERVER_ACTIONS = tuple(
    f"sagemaker-mlflow:{action}"
    for action in (
        "CreateExperiment",
        "CreateRun",
        "FinalizeLoggedModel",
        "GetExperiment",
        "GetExperimentByName",
        "GetLoggedModel",
        "GetMetricHistory",
        "GetRun",
        "ListArtifacts",
        "ListLoggedModelArtifacts",
        "LogBatch",
        "LogInputs",
        "LogLoggedModelParams",
        "LogMetric",
        "LogModel",
        "LogOutputs",
        "LogParam",
        "SearchExperiments",
        "SearchLoggedModels",
        "SearchRuns",
        "SetExperimentTag",
        "SetLoggedModelTags",
        "SetTag",
        "UpdateRun",
    )
)
_READING = ("Get", "List", "Search")


class MlflowFlavour(StrEnum):
    """How managed MLflow is provided."""

    APP = "app"
    """Serverless."""
    SERVER = "server"
    """A tracking server of a size, billed by the hour."""


class MlflowServerSize(StrEnum):
    """How much a tracking server can take."""

    SMALL = "Small"
    MEDIUM = "Medium"
    LARGE = "Large"


class SageMakerMlflowArgs(TypedDict):
    """What experiment tracking consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    models: list[str]
    """The blueprint's names of the models, each of which gets an experiment."""
    artifact_root: pulumi.Input[str]
    """The foundation's `s3://` URI of artifacts; MLflow keeps its own in the folder `mlflow` of it."""
    role_arn: pulumi.Input[str]
    """Role that the service assumes to reach the artifact store; it may write that folder and nothing else."""
    flavour: NotRequired[MlflowFlavour]
    """Default `app`. Changing it makes a new, empty tracking store."""
    size: NotRequired[MlflowServerSize]
    """Size of a server; default `Small`. An app has none."""
    maintenance_window: NotRequired[str]
    """Weekly start of maintenance in UTC, as `Sun:03:00`, which is the default."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the recorded runs when the stack is destroyed; default `retain`. Runs that are retained need a
    role again before their files can be read through MLflow."""


class SageMakerMlflow(pulumi.ComponentResource):
    """MLflow experiment tracking, run by SageMaker."""

    stage = "experiment_tracking"
    platform = "aws"

    tracking_uri: pulumi.Output[str]
    """ARN of the app or server, which `mlflow.set_tracking_uri` takes where the plugin `sagemaker-mlflow` is there."""
    experiments: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of its experiment."""
    ui_url: pulumi.Output[str]
    """Always empty: the user interface is opened from the console, or with a presigned URL."""

    def __init__(self, name: str, args: SageMakerMlflowArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        args = checked(args, SageMakerMlflowArgs, "SageMakerMlflow")
        flavour = MlflowFlavour(args.get("flavour", MlflowFlavour.APP))
        if flavour is MlflowFlavour.APP and "size" in args:
            raise ArgsError(
                "SageMakerMlflow: 'size' is set, but an app is serverless; leave it out, or write flavour 'server'."
            )
        super().__init__("mlops-stacks:index:SageMakerMlflow", name, {**args}, opts)
        self._flavour = flavour
        build = self._app if flavour is MlflowFlavour.APP else self._server
        self.tracking_uri = build(name, args)
        self.experiments = pulumi.Output.from_input(_experiments(args["placement"], args["models"]))
        self.ui_url = pulumi.Output.from_input("")
        self.register_outputs({output: getattr(self, output) for output in SageMakerMlflow.__annotations__})

    def grant_track(self) -> list[AwsGrant]:
        """Permission to record runs and read them. What a run logs as a file takes the artifact folder besides."""
        if self._flavour is MlflowFlavour.APP:
            return [aws_grant(["sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp"], [self.tracking_uri])]
        actions = [*_SERVER_ACTIONS, "sagemaker:DescribeMlflowTrackingServer"]
        return [aws_grant(actions, [self.tracking_uri])]

    def grant_look(self) -> list[AwsGrant]:
        """Permission to open the user interface and to read runs. An app has one action for all: it lets write too."""
        if self._flavour is MlflowFlavour.APP:
            return [*self.grant_track(), aws_grant(["sagemaker:CreatePresignedMlflowAppUrl"], [self.tracking_uri])]
        reading = tuple(action for action in _SERVER_ACTIONS if action.partition(":")[2].startswith(_READING))
        actions = [
            *reading,
            "sagemaker:CreatePresignedMlflowTrackingServerUrl",
            "sagemaker:DescribeMlflowTrackingServer",
        ]
        return [aws_grant(actions, [self.tracking_uri])]

    def _app(self, name: str, args: SageMakerMlflowArgs) -> pulumi.Output[str]:
        app = aws.sagemaker.MlflowApp(
            f"{name}-app",
            name=_physical(args["placement"]),
            artifact_store_uri=_artifact_store(args),
            role_arn=args["role_arn"],
            model_registration_mode="AutoModelRegistrationDisabled",
            account_default_status="DISABLED",
            weekly_maintenance_window_start=args.get("maintenance_window", "Sun:03:00"),
            tags=aws_tags(args["placement"], "experiment_tracking"),
            opts=stateful(self, args.get("lifecycle", Lifecycle.RETAIN)),
        )
        return pulumi.Output.from_input(app.arn)

    def _server(self, name: str, args: SageMakerMlflowArgs) -> pulumi.Output[str]:
        server = aws.sagemaker.MlflowTrackingServer(
            f"{name}-server",
            tracking_server_name=_physical(args["placement"]),
            artifact_store_uri=_artifact_store(args),
            role_arn=args["role_arn"],
            tracking_server_size=MlflowServerSize(args.get("size", MlflowServerSize.SMALL)).value,
            automatic_model_registration=False,
            weekly_maintenance_window_start=args.get("maintenance_window", "Sun:03:00"),
            tags=aws_tags(args["placement"], "experiment_tracking"),
            opts=stateful(self, args.get("lifecycle", Lifecycle.RETAIN)),
        )
        return pulumi.Output.from_input(server.arn)


def _physical(placement: AwsPlacement) -> str:
    return physical_name((placement["blueprint"], placement["scope"]), SAGEMAKER_MLFLOW)


def _artifact_store(args: SageMakerMlflowArgs) -> pulumi.Output[str]:
    return pulumi.Output.format("{0}/{1}", args["artifact_root"], ARTIFACT_FOLDER)


def _experiments(placement: AwsPlacement, models: Sequence[str]) -> dict[str, str]:
    parts = (placement["blueprint"], placement["scope"])
    return {model: physical_name((*parts, model), MLFLOW_EXPERIMENT) for model in models}
