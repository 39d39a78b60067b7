"""What `pulumi up` runs: load, compose, export.

The blueprint is the one that the stack's config names (`pulumi config set blueprint FILE`), relative to the folder of
Pulumi.yaml, because the CLI starts a program in the folder that its file is in.
"""

from __future__ import annotations

from pathlib import Path

import pulumi

from mlops_stacks.blueprint.problems import BlueprintError
from mlops_stacks.compose.program import compose
from mlops_stacks.executors.names import PULUMI_PROJECT
from mlops_stacks.operations.opening import NoBlueprintError, open_project
from mlops_stacks.project import Project


def scope_of(project: Project, stack: str) -> str:
    """The scope that a stack is for. Raises `RunError`.

    A stack of another name is refused: under it, the engine would take what another blueprint has made for its own,
    and delete what this one does not mention.
    """
    scopes = {project.blueprint.stack(scope): scope for scope in project.blueprint.scopes}
    if stack not in scopes:
        raise pulumi.RunError(
            f"stack `{stack}` is none of the blueprint {project.file}, whose stacks are {', '.join(scopes)}; "
            "select one of them, or set the config `blueprint` to the file that this stack was made from"
        )
    return scopes[stack]


def main() -> None:
    """Register everything of the stack that is being run."""
    root = Path(pulumi.get_root_directory())
    blueprint = pulumi.Config(PULUMI_PROJECT).get("blueprint")
    try:
        project = open_project(root / blueprint if blueprint else None, root, releases=True)
    except (BlueprintError, NoBlueprintError) as error:
        # The CLI shows a `RunError` as its sentence, everything else as a traceback.
        raise pulumi.RunError(str(error)) from error
    compose(project, scope_of(project, pulumi.get_stack()))


if __name__ == "__main__":
    main()
