"""CD 1 on this machine: the store of pipeline packages, from which environments take what was delivered to them.

Which package that is stands in each environment's delivery lock, and the environment's own training pipeline unpacks
it. This component delivers nothing by itself, so that nothing reaches an environment without a person's word.
"""

from typing import NotRequired, Optional

import pulumi
from typing_extensions import TypedDict

from mlops_components.args import checked
from mlops_components.lifecycle import Lifecycle, stateful
from mlops_components.local.resources import Directory


class LocalPipelineDeliveryArgs(TypedDict):
    """What pipeline delivery on this machine consists of."""

    directory: str
    """Absolute path of the folder of the packages."""
    lifecycle: NotRequired[Lifecycle]
    """What becomes of the packages when the stack is destroyed; default `retain`."""


class LocalPipelineDelivery(pulumi.ComponentResource):
    """The store of pipeline packages."""

    stage = "pipeline_delivery"
    platform = "local"

    packages: pulumi.Output[str]
    """Folder in which each package has a folder."""

    def __init__(
        self, name: str, args: LocalPipelineDeliveryArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        """Have the folder."""
        args = checked(args, LocalPipelineDeliveryArgs, "LocalPipelineDelivery")
        super().__init__("mlops-stacks:index:LocalPipelineDelivery", name, {**args}, opts)
        kept = stateful(self, args.get("lifecycle", Lifecycle.RETAIN))
        self.packages = Directory(f"{name}-packages", args["directory"], opts=kept).path
        self.register_outputs({"packages": self.packages})
