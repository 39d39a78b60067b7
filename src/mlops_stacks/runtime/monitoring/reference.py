"""Writes the rows that a served version was trained on as CSV, for analyzers that are not ours.

SageMaker's baselines are made of them. Inputs and predictions have a header for Model Monitor; Clarify is told the
names of columns and takes tables without one.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from mlops_components.spec.monitoring import ReferenceSettings
from mlops_stacks.runtime.documents import parse_json
from mlops_stacks.runtime.errors import RuntimeFault, SettingsError
from mlops_stacks.runtime.folder import RunFolder, file_system, make_folder, read_bytes
from mlops_stacks.runtime.user_code import load_workload
from mlops_stacks.runtime.workload import Workload, input_names

if TYPE_CHECKING:
    import pandas as pd

LABEL, PREDICTION = "label", "prediction"
_REGISTERED = "registered.json"


class NoRunError(SettingsError):
    """No run is known that made the version."""


def reference_command(settings_uri: str) -> int:
    """Write the tables; returns the exit code. What went wrong is one sentence on stderr."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        write_reference(_settings(settings_uri))
    except RuntimeFault as fault:
        sys.stderr.write(f"error: {fault}\n")
        return fault.exit_code
    return 0


def write_reference(settings: ReferenceSettings) -> None:
    """Write a table for each analyzer below `output`. The same run gives the same bytes."""
    workload = load_workload(settings["workload"])
    _check_columns(settings["columns"], workload)
    rows = _answered(run_of(settings["version"], settings["runs"]), workload)
    names = input_names(workload.inputs)
    tables = {
        "inputs": (rows[[*names, PREDICTION]], True),
        "labelled": (rows[[PREDICTION, LABEL]], True),
        "bias": (rows[[*names, LABEL, PREDICTION]], False),
        "explainability": (rows[names], False),
    }
    for folder, (table, header) in tables.items():
        _write(f"{settings['output'].rstrip('/')}/{folder}/data.csv", table.to_csv(index=False, header=header))


def run_of(version: str, runs: list[str]) -> RunFolder:
    """The folder of the run that registered `version`. Raises `NoRunError`."""
    for uri in runs:
        fs, root = file_system(uri)
        found = sorted(str(path) for path in fs.glob(f"{root.rstrip('/')}/*/{_REGISTERED}"))
        for path in found:
            record = json.loads(fs.cat_file(path))
            if str(record.get("version")) == version:
                return RunFolder(f"{uri.rstrip('/')}/{path.rsplit('/', 2)[-2]}")
    searched = " or ".join(runs)
    raise NoRunError(f"there is no run in {searched} that registered version {version}: release one that is there.")


def _answered(folder: RunFolder, workload: Workload) -> pd.DataFrame:
    """The training and evaluation rows, with labels and what the version answers."""
    import pandas as pd

    from mlops_stacks.runtime.quiet_mlflow import hush
    from mlops_stacks.runtime.steps.job import EVALUATION_ROWS, TRAIN_ROWS
    from mlops_stacks.runtime.tracking import MODEL_ARTIFACT

    hush()
    from mlops_stacks.runtime.saved_model import SavedModel

    rows = pd.concat([folder.read_frame(TRAIN_ROWS), folder.read_frame(EVALUATION_ROWS)], ignore_index=True)
    with folder.local_folder(MODEL_ARTIFACT) as path:
        predictions = SavedModel(str(path)).predict(rows)
    rows[LABEL], rows[PREDICTION] = rows[workload.label], predictions
    return rows


def _check_columns(wanted: Mapping[str, list[str]], workload: Workload) -> None:
    names = input_names(workload.inputs)
    for kind, columns in wanted.items():
        if list(columns) != names:
            raise SettingsError(
                f"the monitor `{kind}` lists the columns {', '.join(columns)}, but the model's inputs are"
                f" {', '.join(names)}: write these into the blueprint, in this order."
            )


def _write(uri: str, text: str) -> None:
    fs, path = file_system(uri)
    make_folder(fs, path.rsplit("/", 1)[0])
    fs.pipe_file(path, text.encode())


def _settings(uri: str) -> ReferenceSettings:
    document: Any = parse_json(read_bytes(uri), f"the reference settings {uri}")
    known = ReferenceSettings.__required_keys__
    missing = sorted(known - set(document)) if isinstance(document, dict) else sorted(known)
    if missing:
        raise SettingsError(f"the reference settings {uri} lack `{missing[0]}`: run `up` again.")
    return cast(ReferenceSettings, document)
