"""Runs every benchmark and writes benchmarks/RESULTS.md. Takes about half an hour; the machine should be quiet."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import cli_start
import features
import local_lifecycle
import plan
import serving
import whole_aws
import whole_platform
from figures import BENCHMARKS, ROOT, Figure, load, machine, table

RESULTS = BENCHMARKS / "RESULTS.md"
WRITTEN_BY = "Written by `python benchmarks/run_all.py`; [README.md](README.md) says what each row means."
QUIET = 0.5
"""Load of the last minute above which the figures are not to be trusted."""
SECTIONS: dict[str, tuple[str, Callable[[], list[Figure]]]] = {
    "start": ("Start of the command line", cli_start.figures),
    "plan": ("Cold plans", plan.figures),
    "aws": ("The whole of AWS", whole_aws.figures),
    "local": ("A platform on one machine", local_lifecycle.figures),
    "whole_platform": ("All ten stages on one machine", whole_platform.figures),
    "features": ("Features", features.figures),
    "serving": ("Serving, beside MLflow", serving.figures),
}


def commit() -> str:
    """What was measured."""
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() or "unknown"


def main() -> int:
    """Measure what is asked for; only a full run replaces RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; default: all, written down")
    chosen = parser.parse_args().only or list(SECTIONS)
    unknown = set(chosen) - set(SECTIONS)
    if unknown:
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    before = load()
    if before > QUIET:
        print(f"The load is {before:.1f}: other work distorts what follows.", file=sys.stderr)
    parts = [
        "# Results",
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {machine()}. Load before: {before:.1f}.",
        f"Medians; ratios are medians of pairs measured in turn. {WRITTEN_BY}",
    ]
    for name in chosen:
        title, measure = SECTIONS[name]
        print(f"measuring: {title.lower()}", file=sys.stderr)
        parts += [f"## {title}", table(measure())]
        print(f"\n{parts[-1]}\n", flush=True)
    if set(chosen) == set(SECTIONS):
        RESULTS.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
