"""A cold `plan`, checks included, beside the flat program with the same resources; and how it grows with models."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from figures import BENCHMARKS, PYTHON, Figure, program, table
from measure import compare, median, repeat
from whole_aws import AIM, UNCOLLECTED, rows

SLICES = (("AWS slice, 2 accounts", "aws.yaml", "aws_slice.py"), ("local, 5 stages", "local.yaml", "local.py"))
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
    return [*slices(runs), *growth()]


def slices(runs: int) -> list[Figure]:
    """Planning and checks as the program does it, beside planning alone; then without a collector on either side."""
    found = []
    for name, blueprint, flat in SLICES:
        ours = [str(BENCHMARKS / "composed.py"), str(BENCHMARKS / blueprint)]
        other = [str(BENCHMARKS / "flat" / flat)]
        found += rows(f"plan, {name}", compare([PYTHON, *ours], [PYTHON, *other], runs), aim=AIM)
        bare = compare([PYTHON, UNCOLLECTED, *ours], [PYTHON, UNCOLLECTED, *other], runs)
        found += rows(f"the same, no garbage collector in either, {name}", bare)
        command = [program(), "--blueprint", ours[1], "plan", "--format", "json"]
        whole = median(repeat(command, max(3, runs // 2)))
        found.append(
            Figure(f"`mlops-stacks plan --format json`, {name}", f"{whole.wall:.2f} s, {whole.peak_mb:.0f} MB")
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
