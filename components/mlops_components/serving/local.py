"""Predictions on this machine: the project's own server, one program for each released model.

Nothing is served for a model that has no release, so a first deployment never fails for want of one. Another release
writes another settings file, whose hash is an input of the program: the running server is replaced, all at once.
"""

from typing import Any, NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.local.documents import by_name, hashed, json_document
from mlops_components.local.ports import HOST
from mlops_components.local.resources import Directory, File, Port, Program

_READY = "/v2/health/ready"
"""By the Open Inference Protocol, version 2."""


class LocalServedModel(TypedDict):
    """One released model."""

    settings: dict[str, Any]
    """A `ServerSettings` document without `host` and `port`, which are chosen here; values may be outputs."""
    port: NotRequired[Optional[int]]
    """Port; default: a free one, chosen once and kept."""


class LocalServingArgs(TypedDict):
    """What serving on this machine consists of."""

    environment: str
    """Environment that is served; begins the programs' names."""
    directory: str
    """Absolute path of the folder of the servers' settings."""
    supervisor: pulumi.Input[str]
    """Folder of the supervisor, from the foundation."""
    ports: pulumi.Input[str]
    """File that keeps the ports, from the foundation."""
    models: dict[str, LocalServedModel]
    """Model name of the blueprint -> its server. A model whose release is `none` is not in it."""
    startup_seconds: NotRequired[int]
    """A server that is not ready after so many seconds has failed; default 120."""
    log_bytes: NotRequired[int]
    """A log is rotated when it reaches so many bytes; default 5,000,000."""


class LocalServing(pulumi.ComponentResource):
    """Model servers on this machine."""

    stage = "serving"
    platform = "local"

    endpoints: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> URL of its server."""
    versions: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> version that is served."""
    logs: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> path of its server's log."""

    def __init__(self, name: str, args: LocalServingArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Have a server run for each released model."""
        args = checked(args, LocalServingArgs, "LocalServing")
        _refuse_unreleased(args["models"])
        super().__init__("mlops-stacks:index:LocalServing", name, {**args}, opts)
        folder = Directory(f"{name}-folder", args["directory"], opts=pulumi.ResourceOptions(parent=self))
        child = pulumi.ResourceOptions(parent=self, depends_on=[folder])
        servers = {
            model: _server(f"{name}-{model}", model, served, args, child)
            for model, served in sorted(args["models"].items())
        }
        self.endpoints = by_name({model: server.url for model, server in servers.items()})
        self.versions = by_name({model: args["models"][model]["settings"]["version"] for model in servers})
        self.logs = by_name({model: server.log for model, server in servers.items()})
        self.register_outputs({"endpoints": self.endpoints, "versions": self.versions, "logs": self.logs})


def _server(
    name: str, model: str, served: LocalServedModel, args: LocalServingArgs, child: pulumi.ResourceOptions
) -> Program:
    program = f"{args['environment']}-serving-{model}"
    port = Port(f"{name}-port", program, args["ports"], preferred=served.get("port"), opts=child)
    # The port as text, since numbers are unknown to an offline plan, and the document is to be complete there.
    content = json_document({**served["settings"], "host": HOST, "port": port.number})
    settings = File(f"{name}-settings", f"{args['directory']}/{model}.json", content, opts=child)
    return Program(
        f"{name}-server",
        args["supervisor"],
        program,
        ["python", "-m", "mlops_stacks.runtime", "serve", "--settings", settings.uri],
        args["directory"],
        port=port.port,
        url=port.url,
        health_path=_READY,
        startup_seconds=args.get("startup_seconds", 120),
        log_bytes=args.get("log_bytes", 5_000_000),
        watch=[hashed(content)],
        opts=child,
    )


def _refuse_unreleased(models: dict[str, LocalServedModel]) -> None:
    for model, served in models.items():
        if not served["settings"].get("version"):
            raise ArgsError(f"LocalServing: the model '{model}' has no version; leave it out until it is released.")
