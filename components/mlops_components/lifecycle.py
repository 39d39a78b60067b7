"""What becomes of a resource that holds data when its stack is destroyed."""

from enum import StrEnum
from typing import Optional, Union

import pulumi


class Lifecycle(StrEnum):
    """Set on stateful children only (buckets, keys, registries), never on what can be made again."""

    DELETE = "delete"
    """Deleted with everything in it."""
    RETAIN = "retain"
    """Forgotten by the stack and left on the platform."""
    PROTECT = "protect"
    """Refuses to be deleted, and with it the whole stack."""


def stateful(
    parent: pulumi.Resource, lifecycle: Union[Lifecycle, str], aliases: Optional[list[pulumi.Alias]] = None
) -> pulumi.ResourceOptions:
    """Return the options of a child that holds data."""
    choice = Lifecycle(lifecycle)
    return pulumi.ResourceOptions(
        parent=parent,
        protect=True if choice is Lifecycle.PROTECT else None,
        retain_on_delete=True if choice is Lifecycle.RETAIN else None,
        aliases=aliases,
    )
