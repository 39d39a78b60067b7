"""A cold plan of every stage on AWS in three environments, beside a flat program with the same resources.

    .venv/bin/python benchmarks/whole_aws.py             prints the table and writes benchmarks/RESULTS-aws.md
    .venv/bin/python benchmarks/whole_aws.py --runs 1    prints it only: to see that it works

The plan is that of blueprints/aws.yaml once a package is delivered and versions are released, so that pipelines,
endpoints and monitors are in it; those of an empty account are counted beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from figures import BENCHMARKS, PYTHON, ROOT, Figure, load, machine, table
from measure import Comparison, compare, median

sys.path.append(str(BENCHMARKS / "flat"))

AIM = 1.15
"""Ours by the flat program's, wall time and peak memory."""
BLUEPRINT = ROOT / "blueprints" / "aws.yaml"
RESULTS = BENCHMARKS / "RESULTS-aws.md"
UNCOLLECTED = str(BENCHMARKS / "uncollected.py")
RUNS = 11
_SAID = """\
`{command}` writes this file; [README.md](README.md) says what is compared with what. Each process is cold; both are run
in turn, and each ratio is the median over the pairs. Ours loads the blueprint, composes, plans and checks; the flat
program plans, and checks nothing."""


def figures(runs: int = RUNS) -> list[Figure]:
    """What one gets for a line of YAML, then what planning it costs."""
    from replayed import record

    from mlops_stacks.operations.opening import open_project
    from mlops_stacks.operations.planning import plan
    from mlops_stacks.permissions.assumed import filled
    from mlops_stacks.plan import Plan

    def resources(of: Plan) -> int:
        return sum(1 for resource in of.resources if resource.custom and not resource.is_provider)

    project = open_project(BLUEPRINT, ROOT, releases=False)
    made, lines = plan(filled(project)), lines_of(BLUEPRINT)
    found = [
        Figure("lines of YAML, without comments and empty ones", f"{lines}"),
        Figure("resources on an empty account", f"{resources(plan(project))}"),
        Figure("resources once everything is delivered and released", f"{resources(made)}"),
        Figure("resources a line", f"{resources(made) / lines:.1f}"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded.json"
        recorded.write_text(record(made), encoding="utf-8")
        ours = [str(BENCHMARKS / "composed.py"), str(BLUEPRINT), "--filled"]
        flat = [str(BENCHMARKS / "flat" / "replayed.py"), str(recorded)]
        found += rows("plan", compare([PYTHON, *ours], [PYTHON, *flat], runs), aim=AIM)
        bare = compare([PYTHON, UNCOLLECTED, *ours], [PYTHON, UNCOLLECTED, *flat], runs)
    return [*found, *rows("the same, no garbage collector in either", bare)]


def lines_of(blueprint: Path) -> int:
    """Lines of a blueprint that say something."""
    return sum(1 for line in blueprint.read_text(encoding="utf-8").splitlines() if line.split("#")[0].strip())


def rows(name: str, both: Comparison, *, aim: float | None = None) -> list[Figure]:
    """Wall time, processor time and peak memory of a comparison; processor time has no aim."""
    ours, other = median(both.ours), median(both.other)
    found = []
    for figure, title, unit, digits in (
        ("wall", "wall", "s", 2),
        ("cpu", "processor time", "s", 2),
        ("peak_mb", "peak memory", "MB", 0),
    ):
        ratio = both.ratio(figure)
        judged = aim is not None and figure != "cpu"
        values = (f"{getattr(one, figure):.{digits}f} {unit}" for one in (ours, other))
        found.append(
            Figure(f"{name}: {title}", *values, ratio, f"{aim}" if judged else "", ratio <= AIM if judged else None)
        )
    return found


def main() -> int:
    """Measure; only a measurement of the usual length is written down."""
    parser = argparse.ArgumentParser(description="A cold plan of the whole of AWS beside a flat program.")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"pairs of processes; default {RUNS}, written down")
    runs = parser.parse_args().runs
    before = load()
    text = table(figures(runs))
    print(text)
    if runs >= RUNS:
        asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        commit = asked.stdout.strip() or "unknown"
        parts = [
            "# AWS: a plan of every stage in three environments",
            f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {machine()}. Load before: {before:.1f}. {runs} pairs.",
            _SAID.format(command="python benchmarks/whole_aws.py"),
            text,
        ]
        RESULTS.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
