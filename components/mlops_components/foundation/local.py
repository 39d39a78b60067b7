"""Folders, ports and a supervisor: what every stage on a laptop stands on.

It refuses to own what it did not make: a folder that was there before, or that holds somebody else's files, stays when
everything else goes. There is one supervisor for a blueprint; an environment's foundation takes the shared scope's.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.resources import Directory, Port, Supervisor


class LocalFoundationArgs(TypedDict):
    """What a foundation on this machine consists of."""

    home: str
    """Absolute path of the folder that holds everything of a blueprint, without a final slash."""
    scope: str
    """`shared` or an environment; names the folder below the home."""
    supervisor: NotRequired[Optional[pulumi.Input[str]]]
    """Folder of the supervisor that runs already, from the shared scope; default: this foundation starts one."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of artifacts, data and captured requests when the stack is destroyed; default `retain`."""


class LocalFoundation(pulumi.ComponentResource):
    """Places to keep things on this machine."""

    stage = "foundation"
    platform = "local"

    artifact_root: pulumi.Output[str]
    """`file:` URI of the folder of artifacts."""
    data_root: pulumi.Output[str]
    """`file:` URI of the folder of data sets."""
    capture_root: pulumi.Output[str]
    """`file:` URI of the folder of captured requests and predictions."""
    folder: pulumi.Output[str]
    """Absolute path of the scope's folder."""
    artifact_folder: pulumi.Output[str]
    """Absolute path of the folder of artifacts."""
    supervisor: pulumi.Output[str]
    """Folder of the supervisor, which programs name it by."""
    ports: pulumi.Output[str]
    """File that keeps the ports of the whole blueprint."""

    def __init__(self, name: str, args: LocalFoundationArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """Make the folders of a scope and, unless there is one already, start the supervisor."""
        args = checked(args, LocalFoundationArgs, "LocalFoundation")
        super().__init__("mlops-stacks:index:LocalFoundation", name, {**args}, opts)
        folder = f"{args['home']}/{args['scope']}"
        root = Directory(f"{name}-folder", folder, with_contents=False, opts=pulumi.ResourceOptions(parent=self))
        lifecycle = args.get("lifecycle", Lifecycle.RETAIN)

        def place(purpose: str) -> Directory:
            inside = pulumi.ResourceOptions(depends_on=[root])
            options = pulumi.ResourceOptions.merge(stateful(self, lifecycle), inside)
            return Directory(f"{name}-{purpose}", f"{folder}/{purpose}", opts=options)

        artifacts, data, capture = place("artifacts"), place("data"), place("capture")
        self.artifact_root, self.artifact_folder = artifacts.uri, artifacts.path
        self.data_root, self.capture_root = data.uri, capture.uri
        self.folder = root.path
        registry = f"{args['home']}/ports.json"
        self.ports = pulumi.Output.from_input(registry)
        given = args.get("supervisor")
        self.supervisor = (
            self._start_supervisor(name, registry, folder, root) if given is None else pulumi.Output.from_input(given)
        )
        self.register_outputs(
            {
                "artifact_root": self.artifact_root,
                "data_root": self.data_root,
                "capture_root": self.capture_root,
                "folder": self.folder,
                "artifact_folder": self.artifact_folder,
                "supervisor": self.supervisor,
                "ports": self.ports,
            }
        )

    def _start_supervisor(self, name: str, registry: str, folder: str, root: Directory) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self, depends_on=[root])
        port = Port(f"{name}-supervisor-port", "supervisor", registry, opts=child)
        return Supervisor(f"{name}-supervisor", f"{folder}/supervisor", port.port, opts=child).directory
