"""A Feast repository on this machine: what its definitions say is in its registry and in its online store.

`feast apply` runs in a process of its own, so that nobody keeps Feast in memory. What was applied is noted only when it
is done; so a killed one is done again, and doing it again changes nothing.
"""

import hashlib
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from mlops_components.local.folders import remove_file, write_file
from mlops_components.local.problems import LocalPlatformError

APPLIED = ".applied"
"""File of the repository that holds the fingerprint of what was last applied."""

_SOURCES = ("feature_store.yaml", "definitions.py")
_MADE = (APPLIED, "registry.db", "registry.db-journal", "online_store.db", "online_store.db-journal")
_APPLY = "from feast.cli.cli import cli; cli()"
_LIMIT_SECONDS = 300
_SHOWN_LINES = 3


def fingerprint(repository: Path) -> str:
    """Hash of the repository's own files; changes when a definition does."""
    together = hashlib.sha256()
    for name in _SOURCES:
        together.update(hashlib.sha256((repository / name).read_bytes()).digest())
    return together.hexdigest()


def applied(repository: Path) -> str | None:
    """The fingerprint of what was applied; None if nothing was, or if what it made is gone."""
    if not all((repository / name).is_file() for name in (APPLIED, "registry.db")):
        return None
    return (repository / APPLIED).read_text(encoding="utf-8")


def ensure(repository: Path) -> str:
    """Apply the definitions unless that is done; returns their fingerprint. Raises `LocalPlatformError`."""
    wanted = fingerprint(repository)
    if applied(repository) != wanted:
        remove_file(repository / APPLIED)
        _apply(repository)
        write_file(repository / APPLIED, wanted, 0o600)
    return wanted


def remove(repository: Path) -> None:
    """Remove registry and online store; the history is not theirs."""
    for name in _MADE:
        remove_file(repository / name)


def residue(repository: Path) -> list[str]:
    """What `remove` left."""
    left = [name for name in _MADE if (repository / name).exists()]
    return [f"The feature store in {repository} still has {', '.join(left)}."] if left else []


def _apply(repository: Path) -> None:
    if find_spec("feast") is None:
        raise LocalPlatformError("Feast is not installed; run `pip install 'mlops-stacks[features]'`.")
    command = [sys.executable, "-c", _APPLY, "-c", str(repository), "apply", "--skip-source-validation"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LocalPlatformError(
            f"`feast apply` in {repository} took more than {_LIMIT_SECONDS} seconds; try again."
        ) from None
    if _was_interrupted(done):
        raise LocalPlatformError(f"`feast apply` in {repository} was interrupted; run `up` again.")
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = " ".join(lines[-_SHOWN_LINES:]) or f"exit code {done.returncode}"
        raise LocalPlatformError(f"`feast apply` in {repository} failed: {reason}.")


def _was_interrupted(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether Ctrl-C ended it, which reaches every process of the terminal; click says 1, an interpreter dies of it."""
    words = done.stderr.strip().rsplit("\n", 1)[-1]
    return done.returncode == -signal.SIGINT or (done.returncode != 0 and words in ("KeyboardInterrupt", "Aborted!"))
