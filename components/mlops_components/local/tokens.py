"""A secret that a program on this machine asks for: random, in a file that only its owner reads, and nowhere else."""

import hashlib
import secrets
from pathlib import Path

from mlops_components.local.folders import file_state, write_file

_MODE = 0o600
_BYTES = 32


def ensure(path: Path) -> str:
    """Have a token in the file at `path`, and return what tells it from another one without giving it away.

    One that others could read is replaced.
    """
    if fingerprint(path) is None:
        write_file(path, secrets.token_urlsafe(_BYTES), _MODE)
    return fingerprint(path) or ""


def fingerprint(path: Path) -> str | None:
    """A hash of the token, from which nobody guesses 256 random bits; None where no token is kept safely."""
    state = file_state(path)
    if state is None or state[1] != _MODE or not _is_token(path):
        return None
    return hashlib.sha256(f"fingerprint of {state[0]}".encode()).hexdigest()


def _is_token(path: Path) -> bool:
    return path.is_file() and path.stat().st_size >= _BYTES
