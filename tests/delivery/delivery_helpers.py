"""A tiny workload in a git repository of its own, and the blueprint that it belongs to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

TINY = Path(__file__).parents[1] / "runtime" / "tiny_workload.py"

PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "tiny-workload"
version = "1.0"

[tool.hatch.build.targets.wheel]
only-include = ["tiny_workload.py"]
"""

GOOD_TEST = """\
import tiny_workload

def test_it_has_a_label():
    assert tiny_workload.workload.label == "big"
"""

BAD_TEST = """\
def test_it_is_right():
    assert "expected" == "found", "the moon is full"
"""


def git(
    *arguments: str, folder: Path, good: bool = True, own_settings: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run git in a folder; `own_settings`: whatever the settings in the home folder say."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull} if own_settings else {}),
        "GIT_AUTHOR_NAME": "Ana",
        "GIT_AUTHOR_EMAIL": "ana@example.com",
        "GIT_COMMITTER_NAME": "Ana",
        "GIT_COMMITTER_EMAIL": "ana@example.com",
    }
    command = ["git", "-C", str(folder), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert not good or ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def tiny_repository(folder: Path) -> Path:
    """A repository with the tiny workload, its project file and a test that passes; committed."""
    folder.mkdir()
    shutil.copy(TINY, folder / "tiny_workload.py")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "test_tiny.py").write_text(GOOD_TEST)
    git("init", "--quiet", "--initial-branch=main", folder=folder)
    commit(folder, "begin")
    return folder


def commit(folder: Path, message: str) -> str:
    """Commit everything; returns the commit."""
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", message, folder=folder)
    return git("rev-parse", "HEAD", folder=folder).stdout.strip()


def document(**more: Any) -> dict[str, Any]:
    """A blueprint with CI 1 and delivery to three environments."""
    return {
        "schema_version": 1,
        "name": "tiny",
        "platform": "local",
        "lifecycle": "delete",
        "environments": {"dev": {}, "staging": {}, "prod": {}},
        "stages": {
            "foundation": {},
            "training_pipeline": {},
            "pipeline_delivery": {},
            "continuous_integration": {"smoke_parameters": {"rows": 60}, "timeout_minutes": 3},
        },
        "workload": {"entry_point": "tiny_workload:workload", "path": "working-copy"},
        "models": {"things": {"parameters": {"rows": 120}}},
        **more,
    }
