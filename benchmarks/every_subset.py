"""`up`, `up` again and `destroy` of every subset of the laptop's stages, one after the other: a soak, not a test.

Each subset of the ten that validation takes gets a platform of its own in a temporary folder. `up` must succeed, a
second `up` must find nothing to do, and `destroy` must leave no process, port or socket. There are about 190; they take
half an hour. `--sample N` takes every N-th of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import yaml
from figures import ROOT, program
from local_lifecycle import belonging, leftovers
from measure import CommandFailedError, run

from mlops_components.spec.marked import end
from mlops_stacks.blueprint.assemble import assemble
from mlops_stacks.blueprint.engines import find_engine
from mlops_stacks.blueprint.vocabulary import Platform, Stage

READ_BY = {"models": "models.m", "workload": "workload.path", "feature_groups": "feature_groups.g.entity"}


def documents() -> Iterator[dict[str, Any]]:
    """A blueprint for each subset that validation takes."""
    whole = yaml.safe_load((ROOT / "blueprints" / "local.yaml").read_text(encoding="utf-8"))
    whole["workload"]["path"] = str(ROOT / "examples" / "flight_delay")
    stages = [stage.value for stage in Stage]
    for subset in chain.from_iterable(combinations(stages, size) for size in range(1, len(stages) + 1)):
        document = {**whole, "stages": list(subset), "models": {"delay": {}}}
        engines = [find_engine(Stage(stage), Platform.LOCAL, None) for stage in subset]
        for part, field in READ_BY.items():
            if not any(engine.reads_field(field) for engine in engines if engine):
                document.pop(part, None)
        if assemble(document)[0] is not None:
            yield document


def live(document: dict[str, Any]) -> float:
    """One life of a subset; returns the seconds of its `up`. Raises `CommandFailedError` or `AssertionError`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        blueprint = folder / "blueprint.yaml"
        blueprint.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        command = [program(), "--blueprint", str(blueprint)]
        try:
            seconds = run([*command, "up"]).wall
            started = belonging(folder)
            run([*command, "up"])
            if {process.pid for process in belonging(folder)} != {process.pid for process in started}:
                raise AssertionError("a second `up` started something anew")
            run([*command, "destroy", "--yes"])
            left = list(leftovers(folder, started, set()))
            if left:
                raise AssertionError(f"`destroy` left {', '.join(left)}")
        finally:
            end(belonging(folder))
    return seconds


def main() -> int:
    """Go through them, and say at the end which failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="take every N-th subset")
    chosen = list(documents())[:: parser.parse_args().sample]
    began, seconds, failed = time.monotonic(), [], []
    for number, document in enumerate(chosen, 1):
        name = "+".join(document["stages"])
        try:
            seconds.append(live(document))
            print(f"{number}/{len(chosen)} {seconds[-1]:5.1f} s  {name}", flush=True)
        except (CommandFailedError, AssertionError) as problem:
            failed.append(name)
            print(f"{number}/{len(chosen)} FAILED  {name}: {problem}", flush=True)
    total = (time.monotonic() - began) / 60
    print(f"{len(chosen)} subsets in {total:.0f} min, {len(failed)} failed", end="")
    print(f"; `up` took {statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s at most" if seconds else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
