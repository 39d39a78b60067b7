"""A bare git repository of the local platform, with a hook that judges what is pushed.

A folder that the platform did not make is refused, and one in which somebody's commits are is left where it is.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_components.local.folders import OWNED, is_ours, make_folder, remove_file, write_file
from mlops_components.local.problems import LocalPlatformError

HOOK_MODE = 0o700

_HOOK = """\
#!/bin/sh
# Written by mlops-stacks. Whoever pushes waits for the answer, so the command ends when the push does.
MLOPS_STACKS_PARENT=$PPID exec {command} --ref "$1" --commit "$3"
"""


def hook_path(repository: Path) -> Path:
    """Where the hook is that git asks about each branch before it moves."""
    return repository / "hooks" / "update"


def hook_content(command: Sequence[str]) -> str:
    """The hook that runs `command` with what is pushed; a first word `python` means this interpreter."""
    words = [sys.executable, *command[1:]] if command[0] == "python" else list(command)
    return _HOOK.format(command=shlex.join(words))


def ensure(repository: Path, branch: str, command: Sequence[str]) -> None:
    """Have a bare repository whose first branch is `branch` and whose hook runs `command`."""
    make_folder(repository)
    if not is_ours(repository):
        raise LocalPlatformError(
            f"{repository} holds somebody else's files, so no repository is made there; move them elsewhere."
        )
    # Git completes a repository that a killed run left half made, and leaves a whole one as it is.
    _git(repository, "init", "--quiet", "--bare", "--template=", str(repository))
    _git(repository, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
    # Whatever hooks the user has configured for all repositories, here it is this one that counts.
    _git(repository, "config", "core.hooksPath", str(repository / "hooks"))
    write_file(hook_path(repository), hook_content(command), HOOK_MODE)


def branch_of(repository: Path) -> str | None:
    """The first branch of the repository; None if there is no repository of ours."""
    if not is_ours(repository) or not (repository / "HEAD").is_file():
        return None
    return _git(repository, "symbolic-ref", "--short", "HEAD")


def has_commits(repository: Path) -> bool:
    """Whether somebody has pushed."""
    return bool(_git(repository, "for-each-ref", "--count=1"))


def remove(repository: Path, *, with_commits: bool) -> None:
    """Remove the repository; one with commits is left, but for the hook, unless `with_commits`."""
    if not is_ours(repository):
        return
    if (repository / "HEAD").is_file() and has_commits(repository) and not with_commits:
        remove_file(hook_path(repository))
        return
    # HEAD goes first, so that what a cut-off removal leaves is no repository; the mark that it is ours goes last.
    remove_file(repository / "HEAD")
    for child in repository.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        elif child.name != OWNED:
            remove_file(child)
    (repository / OWNED).unlink(missing_ok=True)
    repository.rmdir()


def _git(repository: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_DIR"] = str(repository)
    command = ["git", *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    except OSError as error:
        raise LocalPlatformError(
            f"git cannot be started ({error.strerror}); install it, and run `up` again."
        ) from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split())
        raise LocalPlatformError(f"git refuses `{arguments[0]}` in {repository}: {reason}.") from error
    return ended.stdout.strip()
