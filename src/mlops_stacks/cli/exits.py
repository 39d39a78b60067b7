"""Exit codes, and the one exception with which a verb ends in words."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell is told. Documented in `mlops-stacks --help`."""

    OK = 0
    REFUSED = 1
    """Something was refused, or findings are there; nothing was changed."""
    USAGE = 2
    """The command line itself is wrong."""
    FAILED = 3
    """Something went wrong while it was carried out; running the command again continues."""
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends a command with a sentence for the user and an exit code."""

    def __init__(self, sentence: str, code: ExitCode = ExitCode.REFUSED) -> None:
        super().__init__(sentence)
        self.code = code


class SilentError(CommandError):
    """Ends a command with an exit code; what there was to say has been said."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__("", code)
