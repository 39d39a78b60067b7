"""Notebooks, wired to tracking and features."""

from typing import Protocol

import pulumi


class Workbench(Protocol):
    """What a workbench offers to people."""

    ui_url: pulumi.Output[str]
    """Where a person opens notebooks."""
