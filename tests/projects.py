"""From a blueprint document to the project that the operations work on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def project_of(document: Mapping[str, Any], root: Path, releases: Mapping[str, Mapping[str, str]] | None = None) -> Any:
    """A project of a document that need not be on disk; raises AssertionError with the problems of a bad one."""
    from mlops_stacks.blueprint.assemble import assemble
    from mlops_stacks.project import Project

    blueprint, problems = assemble(dict(document))
    assert blueprint is not None, "\n".join(map(str, problems))
    return Project(blueprint, root / "blueprint.yaml", releases or {})
