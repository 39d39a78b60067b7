"""The one MLflow server of a blueprint on this machine, started by whichever stage comes first."""

from dataclasses import dataclass
from typing import NotRequired, Optional, Union

import pulumi
from typing_extensions import TypedDict

from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.resources import Directory, Port, Program

PROGRAM = "mlflow"
"""Its name under the supervisor, and the key of its port."""


class LocalMlflowArgs(TypedDict):
    """Where an MLflow server keeps its data, and what keeps it running."""

    directory: str
    """Absolute path of the folder of its database and artifacts."""
    supervisor: pulumi.Input[str]
    """Folder of the supervisor, from the foundation."""
    ports: pulumi.Input[str]
    """File that keeps the ports, from the foundation."""
    port: NotRequired[Optional[int]]
    """Port; default: a free one, chosen once and kept."""


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """A running server: its address, the folder of its data, and the path of its log."""

    url: pulumi.Output[str]
    data: Directory
    log: pulumi.Output[str]


def mlflow_server(
    component: pulumi.ComponentResource, name: str, args: LocalMlflowArgs, lifecycle: Union[Lifecycle, str]
) -> MlflowServer:
    """Start an MLflow server as children of `component`: one process on SQLite, artifacts served from a folder.

    Job execution and telemetry are off. What `lifecycle` says applies to its data.
    """
    child = pulumi.ResourceOptions(parent=component)
    directory = args["directory"]
    data = Directory(f"{name}-data", directory, opts=stateful(component, lifecycle))
    port = Port(f"{name}-port", PROGRAM, args["ports"], preferred=args.get("port"), opts=child)
    program = Program(
        f"{name}-server",
        args["supervisor"],
        PROGRAM,
        [
            "python",
            "-m",
            "mlops_stacks.runtime.tracking_server",
            "--database",
            f"{directory}/mlflow.db",
            "--artifacts",
            f"{directory}/artifacts",
            "--port",
            port.number,
        ],
        data.path,
        port=port.port,
        url=port.url,
        health_path="/health",
        opts=child,
    )
    return MlflowServer(program.url.apply(str), data, program.log)
