"""The training of the example in one plain Python process: the workload's own functions, and a saved model.

No tracking, no validation, no lineage, no registry and no process for each step: what a notebook would do.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Train once on the rows that the pipeline trains on, and measure on those that it measures on."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the steps have it: spinning threads would distort
    sys.path.insert(0, str(ROOT / "examples" / "flight_delay"))
    from flight_delay.workload import workload

    from mlops_stacks.runtime.workload import StepContext

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        context = StepContext("all", "flat", scratch.as_uri(), workload.parameters, scratch, logging.getLogger())
        prepared = workload.prepare(context, workload.extract(context))
        trained = workload.train(context, prepared.train)
        (scratch / "model.pickle").write_bytes(pickle.dumps(trained.model))
        inputs = prepared.evaluation[[column.name for column in workload.inputs]]
        predictions = trained.model.predict_proba(inputs)[:, trained.prediction.column]
        print(workload.evaluate(context, prepared.evaluation, predictions))


if __name__ == "__main__":
    main()
