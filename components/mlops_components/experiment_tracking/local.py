"""MLflow on this machine: one server for a blueprint, with an experiment for each environment and model.

It refuses to be reached from elsewhere: the server listens on 127.0.0.1 and answers no other host name.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.lifecycle import Lifecycle
from mlops_components.local.mlflow import LocalMlflowArgs, mlflow_server
from mlops_components.local.resources import MlflowExperiment


class LocalExperimentTrackingArgs(TypedDict):
    """What experiment tracking on this machine consists of."""

    server: LocalMlflowArgs
    """The server to start."""
    experiments: dict[str, str]
    """Key of the output `experiments` -> name of the experiment, e.g. `dev/flight_delay`."""
    tags: NotRequired[dict[str, str]]
    """Tags of every experiment; default: none."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the recorded runs when the stack is destroyed; default `retain`."""


class LocalExperimentTracking(pulumi.ComponentResource):
    """MLflow experiment tracking on this machine."""

    stage = "experiment_tracking"
    platform = "local"

    tracking_uri: pulumi.Output[str]
    """What `mlflow.set_tracking_uri` takes."""
    experiments: pulumi.Output[dict[str, str]]
    """Key of the arguments' `experiments` -> name of the experiment."""
    ui_url: pulumi.Output[str]
    """Where a person looks at runs."""
    log: pulumi.Output[str]
    """Path of the server's log."""

    def __init__(
        self, name: str, args: LocalExperimentTrackingArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        """Start the server and have the experiments."""
        args = checked(args, LocalExperimentTrackingArgs, "LocalExperimentTracking")
        super().__init__("mlops-stacks:index:LocalExperimentTracking", name, {**args}, opts)
        server = mlflow_server(self, name, args["server"], args.get("lifecycle", Lifecycle.RETAIN))
        # Runs live in the server's data and go, or stay, with it.
        child = pulumi.ResourceOptions(parent=self, deleted_with=server.data)
        experiments = {
            key: MlflowExperiment(
                f"{name}-experiment-{experiment.replace('/', '-')}",
                server.url,
                experiment,
                tags=args.get("tags"),
                opts=child,
            ).experiment_name
            for key, experiment in sorted(args["experiments"].items())
        }
        self.tracking_uri = server.url
        self.experiments = pulumi.Output.all(**experiments) if experiments else pulumi.Output.from_input({})
        self.ui_url = server.url
        self.log = server.log
        self.register_outputs(
            {
                "tracking_uri": self.tracking_uri,
                "experiments": self.experiments,
                "ui_url": self.ui_url,
                "log": self.log,
            }
        )
