"""The resources around code on a laptop: typed faces of the providers in `code_providers`."""

from collections.abc import Sequence
from typing import Optional

import pulumi
from pulumi.dynamic import Resource

from mlops_components.local.code_providers import (
    FirstFileProvider,
    GitRepositoryProvider,
    TokenProvider,
    UnpackedWheelProvider,
)


class GitRepository(Resource, module="local", name="GitRepository"):
    """A bare git repository with a hook. Deletion spares one with commits, unless `with_commits`."""

    path: pulumi.Output[str]
    """Absolute path, which is also what one pushes to."""

    def __init__(
        self,
        name: str,
        path: pulumi.Input[str],
        branch: str,
        command: Sequence[pulumi.Input[str]],
        *,
        with_commits: bool = False,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`branch` is the first branch; `command` is run before a branch moves, with `--ref` and `--commit`."""
        properties = {
            "path": path,
            "branch": branch,
            "command": list(command),
            "with_commits": with_commits,
            "hook": None,
        }
        super().__init__(GitRepositoryProvider(), name, properties, opts)


class UnpackedWheel(Resource, module="local", name="UnpackedWheel"):
    """A wheel's content in a folder that can be put on the import path."""

    path: pulumi.Output[str]
    """Absolute path of the folder; whoever takes it from here waits until everything is in it."""

    def __init__(
        self,
        name: str,
        path: pulumi.Input[str],
        wheel: pulumi.Input[str],
        sha256: str,
        *,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`wheel` is the file's absolute path; another file than that with the hash `sha256` is refused."""
        super().__init__(UnpackedWheelProvider(), name, {"path": path, "wheel": wheel, "sha256": sha256}, opts)


class Token(Resource, module="local", name="Token"):
    """A random secret in a file that only its owner reads. The secret itself is in no plan and no state."""

    path: pulumi.Output[str]
    """Absolute path of the file."""
    fingerprint: pulumi.Output[str]
    """Tells a token from another one, without giving it away."""

    def __init__(self, name: str, path: pulumi.Input[str], *, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        """`path` is absolute."""
        super().__init__(TokenProvider(), name, {"path": path, "fingerprint": None}, opts)


class FirstFile(Resource, module="local", name="FirstFile"):
    """A file for a person to begin with: it is theirs as soon as they change it."""

    path: pulumi.Output[str]
    """Absolute path."""

    def __init__(
        self,
        name: str,
        path: pulumi.Input[str],
        content: str,
        *,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        """`path` is absolute."""
        super().__init__(FirstFileProvider(), name, {"path": path, "content": content, "written": None}, opts)
