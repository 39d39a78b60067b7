"""What is wrong with a blueprint, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FieldPath = tuple[str | int, ...]
"""Keys and indexes from the blueprint's root."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where in the document, what is wrong, and what to write instead."""

    path: FieldPath
    message: str
    fix: str
    file: str | None = None
    line: int | None = None

    @property
    def field(self) -> str:
        """The path in the notation of the docs: `environments.dev.target.account`."""
        return ".".join(str(part) for part in self.path)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        what = f"{self.field}: {self.message}" if self.path else self.message
        return f"{place}: {what}; {self.fix}" if place else f"{what}; {self.fix}"


class BlueprintError(Exception):
    """A blueprint cannot be used; `problems` says all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
