"""SageMaker Experiments: nothing to run or to pay for by the hour, and no MLflow.

An experiment for each model; a run of a pipeline is a trial with one component, which the steps make. People look at
runs in Studio Classic or through the API, since Studio itself shows MLflow only. It refuses artifacts: these stay in
the run folder, to which a run refers.

SageMaker deletes no experiment that has trials: with the lifecycle `delete`, destroy fails and names it until its
trials are gone.
"""

from typing import NotRequired, Optional

import pulumi
import pulumi_aws_native as native
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.grants import AwsGrant, aws_grant
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.naming import SAGEMAKER_EXPERIMENT, physical_name
from mlops_components.placement import AwsPlacement, aws_partition
from mlops_components.tags import aws_tags

SCHEME = "sagemaker-experiments"
"""What the tracking URI of this engine begins with; its host is the region."""


class SageMakerExperimentsArgs(TypedDict):
    """What experiment tracking consists of."""

    placement: AwsPlacement
    """Environment, account and region."""
    models: list[str]
    """The blueprint's names of the models, each of which gets an experiment."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the recorded runs when the stack is destroyed; default `retain`."""


class SageMakerExperiments(pulumi.ComponentResource):
    """Experiment tracking by SageMaker itself."""

    stage = "experiment_tracking"
    platform = "aws"

    tracking_uri: pulumi.Output[str]
    """`sagemaker-experiments://<region>`, which the steps understand; MLflow does not."""
    experiments: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name of its experiment."""
    ui_url: pulumi.Output[str]
    """Always empty: there is only the console."""

    def __init__(
        self, name: str, args: SageMakerExperimentsArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        """Have an experiment for each model."""
        args = checked(args, SageMakerExperimentsArgs, "SageMakerExperiments")
        super().__init__("mlops-stacks:index:SageMakerExperiments", name, {**args}, opts)
        self._placement = args["placement"]
        self._names = {model: experiment_name(args["placement"], model) for model in args["models"]}
        made = {model: self._experiment(name, model, args) for model in self._names}
        self.tracking_uri = pulumi.Output.from_input(f"{SCHEME}://{args['placement']['region']}")
        # The names, once the experiments are there: the steps put their runs into these.
        self.experiments = pulumi.Output.all(*(of.id for of in made.values())).apply(lambda _: dict(self._names))
        self.ui_url = pulumi.Output.from_input("")
        self.register_outputs({output: getattr(self, output) for output in SageMakerExperiments.__annotations__})

    def grant_track(self) -> list[AwsGrant]:
        """Permission to record runs of the models and to look at them."""
        experiments = [self._arn("experiment", name) for name in self._names.values()]
        trials = [self._arn("experiment-trial", f"{name}-*") for name in self._names.values()]
        components = [self._arn("experiment-trial-component", f"{name}-*") for name in self._names.values()]
        if not experiments:
            return []
        return [
            aws_grant(["sagemaker:DescribeExperiment"], experiments),
            aws_grant(["sagemaker:CreateTrial"], [*experiments, *trials]),
            aws_grant(["sagemaker:DescribeTrial"], trials),
            aws_grant(["sagemaker:AssociateTrialComponent"], [*trials, *components]),
            aws_grant(
                [
                    "sagemaker:BatchGetMetrics",
                    "sagemaker:BatchPutMetrics",
                    "sagemaker:CreateTrialComponent",
                    "sagemaker:DescribeTrialComponent",
                    "sagemaker:UpdateTrialComponent",
                ],
                components,
            ),
        ]

    def grant_look(self) -> list[AwsGrant]:
        """Permission to read runs of the models."""
        reading = [
            (["sagemaker:DescribeExperiment"], "experiment/{}"),
            (["sagemaker:DescribeTrial"], "experiment-trial/{}-*"),
            (["sagemaker:BatchGetMetrics", "sagemaker:DescribeTrialComponent"], "experiment-trial-component/{}-*"),
        ]
        names = list(self._names.values())
        return [
            aws_grant(actions, [self._arn(*where.format(name).split("/")) for name in names])
            for actions, where in reading
            if names
        ]

    def _experiment(self, name: str, model: str, args: SageMakerExperimentsArgs) -> native.sagemaker.Experiment:
        tags = aws_tags(args["placement"], "experiment_tracking")
        return native.sagemaker.Experiment(
            f"{name}-{model}",
            experiment_name=self._names[model],
            tags=[native.TagArgs(key=key, value=value) for key, value in tags.items()],
            opts=stateful(self, args.get("lifecycle", Lifecycle.RETAIN)),
        )

    def _arn(self, kind: str, name: str) -> str:
        where = f"{self._placement['region']}:{self._placement['account_id']}"
        return f"arn:{aws_partition(self._placement['region'])}:sagemaker:{where}:{kind}/{name}"


def experiment_name(placement: AwsPlacement, model: str) -> str:
    """Return the name of a model's experiment, with which those of its runs begin."""
    return physical_name((placement["blueprint"], placement["scope"], model), SAGEMAKER_EXPERIMENT)
