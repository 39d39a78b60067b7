"""MLflow's registry on this machine, on the tracking server's process where there is one, else on one of its own.

A version's state is an alias or a tag; MLflow's registry stages are deprecated and not used.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import ArgsError, checked
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.mlflow import LocalMlflowArgs, mlflow_server
from mlops_components.local.resources import RegisteredModel


class LocalModel(TypedDict):
    """One registered model."""

    name: str
    """Name under which versions are registered."""
    description: NotRequired[Optional[str]]
    """What people read in the registry; default: nothing."""


class LocalModelRegistryArgs(TypedDict):
    """What a model registry on this machine consists of."""

    models: dict[str, LocalModel]
    """Model name of the blueprint -> its registered model."""
    tracking_uri: NotRequired[Optional[pulumi.Input[str]]]
    """Address of the MLflow server that runs already, from experiment tracking."""
    server: NotRequired[Optional[LocalMlflowArgs]]
    """The server to start where there is no `tracking_uri`."""
    tags: NotRequired[dict[str, str]]
    """Tags of every registered model; default: none."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of models and their versions when the stack is destroyed; default `retain`."""


class LocalModelRegistry(pulumi.ComponentResource):
    """MLflow's model registry on this machine."""

    stage = "model_registry"
    platform = "local"

    registry_uri: pulumi.Output[str]
    """What `mlflow.set_registry_uri` takes."""
    registered_models: pulumi.Output[dict[str, str]]
    """Model name of the blueprint -> name under which its versions are registered."""

    def __init__(self, name: str, args: LocalModelRegistryArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Have the registered models, starting a server if none is given."""
        args = checked(args, LocalModelRegistryArgs, "LocalModelRegistry")
        address, server = args.get("tracking_uri"), args.get("server")
        if (address is None) == (server is None):
            raise ArgsError("LocalModelRegistry: write either 'tracking_uri' or 'server', and not both.")
        super().__init__("mlops-stacks:index:LocalModelRegistry", name, {**args}, opts)
        lifecycle = args.get("lifecycle", Lifecycle.RETAIN)
        options = stateful(self, lifecycle)
        if server is not None:
            started = mlflow_server(self, name, server, lifecycle)
            address = started.url
            # Models live in the server's data and go, or stay, with it.
            options.deleted_with = started.data
        self.registry_uri = pulumi.Output.from_input(address).apply(str)
        models = {
            key: RegisteredModel(
                f"{name}-model-{key}",
                self.registry_uri,
                model["name"],
                description=model.get("description") or "",
                tags=args.get("tags"),
                opts=options,
            ).model_name
            for key, model in sorted(args["models"].items())
        }
        self.registered_models = pulumi.Output.all(**models) if models else pulumi.Output.from_input({})
        self.register_outputs({"registry_uri": self.registry_uri, "registered_models": self.registered_models})
