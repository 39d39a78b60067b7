"""A cold `plan`, checks included, beside the flat program with the same resources; and how it grows with models."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from figures import BENCHMARKS, PYTHON, Figure, program, table
from measure import Comparison, compare, median, repeat

sys.path.append(str(BENCHMARKS / "flat"))

AIM = 1.15
"""Ours by the flat program's, wall time and peak memory."""
SLICES = (("AWS slice, 2 accounts", "aws.yaml", "aws_slice.py"), ("local, 5 stages", "local.yaml", "local.py"))
WHOLE = (("AWS, ten stages, 3 environments", BENCHMARKS.parent / "blueprints" / "aws.yaml"),)
UNCOLLECTED = str(BENCHMARKS / "uncollected.py")
SIZES = (10, 100, 1000)
MODEL = {"aws": "{}", "local": "{release: 1}"}

GROWING = {
    "aws": """
schema_version: 1
name: many
platform: aws
environments: {dev: {target: {account: "111111111111", region: eu-west-1}}}
stages: [foundation, experiment_tracking, model_registry]
models:
""",
    "local": """
schema_version: 1
name: many
platform: local
environments: {dev: {}}
stages: [foundation, experiment_tracking, model_registry, training_pipeline, serving]
workload: {entry_point: "some.module:workload", path: .}
models:
""",
}


def figures(runs: int = 11) -> list[Figure]:
    """Both slices, then the growth."""
    return [*slices(runs), *whole(runs), *growth()]


def whole(runs: int) -> list[Figure]:
    """Every stage of AWS in three environments, beside a flat program with the same resources, and how many."""
    from replayed import record

    from mlops_stacks.operations.opening import open_project
    from mlops_stacks.operations.planning import plan

    found = []
    for name, blueprint in WHOLE:
        made = plan(open_project(blueprint, BENCHMARKS))
        resources = sum(1 for resource in made.resources if resource.custom and not resource.is_provider)
        lines = sum(1 for line in blueprint.read_text(encoding="utf-8").splitlines() if line.split("#")[0].strip())
        found.append(Figure(f"{name}: resources, from lines of YAML", f"{resources}", f"{lines}"))
        with tempfile.TemporaryDirectory() as folder:
            recorded = Path(folder) / "recorded.json"
            recorded.write_text(record(made), encoding="utf-8")
            ours = [PYTHON, str(BENCHMARKS / "composed.py"), str(blueprint)]
            other = [PYTHON, str(BENCHMARKS / "flat" / "replayed.py"), str(recorded)]
            found += _compared(f"plan, {name}", compare(ours, other, runs), aimed=True)
            bare = compare([ours[0], UNCOLLECTED, *ours[1:]], [other[0], UNCOLLECTED, *other[1:]], runs)
            found += _compared(f"the same, no garbage collector in either, {name}", bare, aimed=False)
    return found


def slices(runs: int) -> list[Figure]:
    """Planning and checks as the program does it, beside planning alone; then without a collector on either side."""
    found = []
    for name, blueprint, flat in SLICES:
        ours = [str(BENCHMARKS / "composed.py"), str(BENCHMARKS / blueprint)]
        other = [str(BENCHMARKS / "flat" / flat)]
        found += _compared(f"plan, {name}", compare([PYTHON, *ours], [PYTHON, *other], runs), aimed=True)
        bare = compare([PYTHON, UNCOLLECTED, *ours], [PYTHON, UNCOLLECTED, *other], runs)
        found += _compared(f"the same, no garbage collector in either, {name}", bare, aimed=False)
        command = [program(), "--blueprint", ours[1], "plan", "--format", "json"]
        whole = median(repeat(command, max(3, runs // 2)))
        found.append(
            Figure(f"`mlops-stacks plan --format json`, {name}", f"{whole.wall:.2f} s, {whole.peak_mb:.0f} MB")
        )
    return found


def _compared(name: str, both: Comparison, *, aimed: bool) -> list[Figure]:
    ours, other = median(both.ours), median(both.other)
    found = []
    for figure, unit, digits in (("wall", "s", 2), ("cpu", "s", 2), ("peak_mb", "MB", 0)):
        ratio = both.ratio(figure)
        judged = aimed and figure != "cpu"
        title = {"wall": "wall", "cpu": "processor time", "peak_mb": "peak memory"}[figure]
        found.append(
            Figure(
                f"{name}: {title}",
                f"{getattr(ours, figure):.{digits}f} {unit}",
                f"{getattr(other, figure):.{digits}f} {unit}",
                ratio,
                f"{AIM}" if judged else "",
                ratio <= AIM if judged else None,
            )
        )
    return found


def growth(sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Planning and checks for many models."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for platform, head in GROWING.items():
            for size in sizes:
                blueprint = Path(folder) / f"{platform}-{size}.yaml"
                models = "".join(f"  model_{number}: {MODEL[platform]}\n" for number in range(size))
                blueprint.write_text(head + models, encoding="utf-8")
                command = [PYTHON, str(BENCHMARKS / "composed.py"), str(blueprint)]
                one = median(repeat(command, 3 if size < max(sizes) else 1))
                found.append(Figure(f"plan, {platform}, {size} models", f"{one.wall:.1f} s, {one.peak_mb:.0f} MB"))
    return found


if __name__ == "__main__":
    print(table(figures()))
