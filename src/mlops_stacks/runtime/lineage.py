"""Where a model version came from: the names of its tags, in one place, and how their values are found."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

PIPELINE_RUN = "mlops_stacks.pipeline_run"
"""Name of the run folder; on an MLflow run and on a model version."""
BLUEPRINT = "mlops_stacks.blueprint"
ENVIRONMENT = "mlops_stacks.environment"
MODEL = "mlops_stacks.model"
DATASET_VERSION = "mlops_stacks.dataset_version"
"""Hash of the extracted tables' content."""
COMMIT = "mlops_stacks.commit"
"""Commit of the workload's source, with `-dirty` after it where files had changed; `none` where there is none."""
PACKAGE = "mlops_stacks.package"
"""Version of the delivered pipeline package; `none` where the workload was run from its folder."""
IMAGE = "mlops_stacks.image"
"""Digest of the image that trained it; `none` outside an image."""
PYTHON = "mlops_stacks.python"
PACKAGES = "mlops_stacks.packages"
"""Hash of the names and versions of all installed packages."""
PARAMETER_PREFIX = "parameter."
METRIC_PREFIX = "metric."

APPROVAL = "approval"
"""One of `pending`, `approved`, `rejected`."""
APPROVED_BY = "approved_by"
STAGE = "stage"
"""One of `Staging`, `Production`, `Archived`; MLflow's own stages are deprecated."""

COMMIT_VARIABLE = "MLOPS_STACKS_COMMIT"
IMAGE_VARIABLE = "MLOPS_STACKS_IMAGE"
"""CI 1 sets both when it builds an image, where git is not at hand."""


def dataset_version(tables: Mapping[str, pd.DataFrame]) -> str:
    """A hash of what the tables say: names, columns, types, values and order of rows, whatever the file format."""
    from pandas.util import hash_pandas_object

    digest = hashlib.sha256()
    for name in sorted(tables):
        table = tables[name]
        digest.update(name.encode())
        digest.update(repr([(str(column), str(dtype)) for column, dtype in table.dtypes.items()]).encode())
        digest.update(hash_pandas_object(table, index=False).to_numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"


def commit(folder: str | None) -> str:
    """The commit of the workload in `folder`, or what CI said when it built the image, or `none`."""
    if declared := os.environ.get(COMMIT_VARIABLE):
        return declared
    if folder is None or not Path(folder).is_dir():
        return "none"
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return "none"
    return f"{head}-dirty" if changed else head


def _git(folder: str, *arguments: str) -> str:
    command = ["git", "-C", folder, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def environment() -> dict[str, str]:
    """What the code ran in: Python's version, a hash of the installed packages, the image."""
    installed = sorted({f"{d.metadata['Name']}=={d.version}".lower() for d in metadata.distributions()})
    return {
        PYTHON: platform.python_version(),
        PACKAGES: f"sha256:{hashlib.sha256(chr(10).join(installed).encode()).hexdigest()}",
        IMAGE: os.environ.get(IMAGE_VARIABLE, "none"),
    }
