"""What git says of a file that a command has written."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SECONDS = 10.0
_NOT_IGNORED = 1


def belongs_into_a_commit(path: Path) -> bool:
    """Whether a file is in a git repository that does not ignore it. Without git, or a repository, it does not."""
    command = ["git", "check-ignore", "--quiet", "--", path.name]
    try:
        ended = subprocess.run(command, cwd=path.parent, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == _NOT_IGNORED
