"""How long the point-in-time join of 78,000 rows takes, and how much memory: a quarter's flights, two feature groups.

`python benchmarks/features.py` writes one JSON document: seconds by the clock and of processor time, and the largest
memory of the process in MB, each for the import of Feast and for the join. The history is hourly for three origins and
daily for 270 routes, so every question has thousands of earlier rows. Nothing is read from the network.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import PYTHON, Figure

AIM_SECONDS, AIM_MB = 10.0, 1024
ROWS = 78_000
DAYS = 90
GROUPS: dict[str, Any] = {
    "origin_delays": {
        "entity": "origin",
        "event_time": "known_at",
        "features": [{"name": "late_share_3h", "type": "float"}, {"name": "late_share_24h", "type": "float"}],
    },
    "route_delays": {
        "entity": "route",
        "keys": ["origin", "dest"],
        "event_time": "known_at",
        "features": [{"name": "late_share_7d", "type": "float"}, {"name": "flights_7d", "type": "integer"}],
    },
}
FEATURES = [f"{group}.{feature['name']}" for group, of in GROUPS.items() for feature in of["features"]]


def measure(folder: Path) -> dict[str, Any]:
    """Make a store in `folder`, fill it, and join."""
    import numpy as np
    import pandas as pd

    from mlops_components.feature_store.feast_files import configuration, definitions
    from mlops_components.local import feast
    from mlops_components.spec.feature import FeatureStoreRef
    from mlops_stacks.runtime.features.feast_store import join
    from mlops_stacks.runtime.features.history import typed_rows, write_history

    repository, history = folder / "repository", folder / "history"
    repository.mkdir(parents=True)
    history.mkdir()
    online = str(repository / "online_store.db")
    (repository / "feature_store.yaml").write_text(configuration("bench", str(repository), online))
    (repository / "definitions.py").write_text(definitions(GROUPS, str(history)))
    started = time.perf_counter()
    feast.ensure(repository)
    applied = time.perf_counter() - started
    store: FeatureStoreRef = {
        "repository": str(repository),
        "project": "bench",
        "history": str(history),
        "online": online,
        "groups": GROUPS,
    }
    random = np.random.default_rng(0)
    origins, destinations = ["EWR", "JFK", "LGA"], [f"D{number:02d}" for number in range(90)]
    hours = pd.date_range("2013-01-01", periods=DAYS * 24, freq="1h")
    by_origin = pd.MultiIndex.from_product([origins, hours], names=["origin", "known_at"]).to_frame(index=False)
    by_origin = by_origin.assign(late_share_3h=random.random(len(by_origin)), late_share_24h=0.25)
    names = ["origin", "dest", "known_at"]
    by_route = pd.MultiIndex.from_product([origins, destinations, hours[::24]], names=names).to_frame(index=False)
    by_route = by_route.assign(late_share_7d=random.random(len(by_route)), flights_7d=7)
    for group, rows in (("origin_delays", by_origin), ("route_delays", by_route)):
        write_history(store, group, typed_rows(group, GROUPS[group], rows))
    minutes = pd.to_timedelta(random.integers(0, DAYS * 1440, ROWS), unit="min")
    asked = pd.DataFrame(
        {
            "origin": random.choice(origins, ROWS),
            "dest": random.choice(destinations, ROWS),
            "departure": pd.Timestamp("2013-01-01", tz="UTC") + minutes,
        }
    )
    imported = _timed(_import_feast)
    joined: list[pd.DataFrame] = []
    cost = _timed(lambda: joined.append(join(store, FEATURES, asked, "departure")))
    (answers,) = joined
    exact = pd.merge_asof(
        asked.assign(number=range(ROWS)).sort_values("departure"),
        by_origin.assign(known_at=by_origin["known_at"].dt.tz_localize("UTC")).sort_values("known_at"),
        left_on="departure",
        right_on="known_at",
        by="origin",
    ).sort_values("number")
    right = bool((exact["late_share_3h"].to_numpy() == answers["origin_delays__late_share_3h"].to_numpy()).all())
    return {"rows": ROWS, "right": right, "apply_seconds": round(applied, 2), "import": imported, "join": cost}


def _import_feast() -> None:
    with contextlib.suppress(ImportError):
        import feast  # noqa: F401


def _timed(work: Any) -> dict[str, float]:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": round(time.perf_counter() - clock, 2),
        "processor_seconds": round(time.process_time() - processor, 2),
        "largest_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def figures() -> list[Figure]:
    """One join, in a process of its own: the largest memory is the whole process'."""
    done = subprocess.run([PYTHON, __file__], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    if not found["right"]:
        raise RuntimeError("the join gave other rows than those that were known")
    join, what = found["join"], f"point-in-time join of {found['rows']:,} rows, two groups"
    seconds, memory = join["seconds"], join["largest_memory_mb"]
    return [
        Figure(
            what,
            f"{seconds:.1f} s ({join['processor_seconds']:.1f} s of processor)",
            aim=f"{AIM_SECONDS:.0f} s",
            met=seconds <= AIM_SECONDS,
        ),
        Figure(f"{what}: largest memory", f"{memory} MB", aim=f"{AIM_MB} MB", met=memory <= AIM_MB),
        Figure("`feast apply` of two groups", f"{found['apply_seconds']:.1f} s"),
        Figure("importing Feast", f"{found['import']['seconds']:.1f} s"),
    ]


def main() -> None:
    """Measure once, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="features-") as folder:
        sys.stdout.write(json.dumps(measure(Path(folder))) + "\n")


if __name__ == "__main__":
    main()
