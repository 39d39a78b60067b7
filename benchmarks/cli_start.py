"""How long `mlops-stacks --help` takes, beside Python alone and beside importing Typer."""

from __future__ import annotations

from figures import PYTHON, Figure, program, table
from measure import compare, median

AIM = 0.25
"""Seconds."""


def figures(runs: int = 15) -> list[Figure]:
    """The start of the command line."""
    found = []
    others = (("Python alone", "pass"), ("importing Typer and rich", "import typer, rich.console, rich.table"))
    for name, code in others:
        both = compare([program(), "--help"], [PYTHON, "-c", code], runs)
        ours, other = median(both.ours), median(both.other)
        found.append(
            Figure(
                f"`--help`, beside {name}",
                f"{ours.wall:.2f} s ({ours.cpu:.2f} s of processor), {ours.peak_mb:.0f} MB",
                f"{other.wall:.2f} s ({other.cpu:.2f} s), {other.peak_mb:.0f} MB",
                both.ratio("wall"),
                f"{AIM} s",
                ours.wall <= AIM,
            )
        )
    return found


if __name__ == "__main__":
    print(table(figures()))
