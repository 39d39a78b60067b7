"""How stacks are called. No pulumi here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PULUMI_PROJECT = "mlops-stacks"
"""Name of the Pulumi project, as in Pulumi.yaml."""

ORGANIZATION = "organization"
"""What Pulumi's own file backend calls the organisation; stack references are `organization/project/stack`."""


@dataclass(frozen=True, slots=True)
class StackIdentity:
    """Which stack a program runs as."""

    project: str
    stack: str
    root_directory: Path

    @property
    def full_name(self) -> str:
        """What a stack reference calls it."""
        return f"{ORGANIZATION}/{self.project}/{self.stack}"
