"""What each step of a run has in hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_components.spec.settings import StepSettings
from mlops_stacks.runtime.errors import ContractError
from mlops_stacks.runtime.folder import RunFolder
from mlops_stacks.runtime.workload import Column, StepContext, Workload

if TYPE_CHECKING:
    import pandas as pd

EXTRACT = "extract"
TRAIN_ROWS = "prepared/train.parquet"
EVALUATION_ROWS = "prepared/evaluation.parquet"
PROFILE = "profile.json"
"""Names in the run folder, and of artefacts of the MLflow run, that more than one step uses."""


@dataclass(frozen=True, slots=True)
class Job:
    """One step of one run."""

    settings: StepSettings
    folder: RunFolder
    workload: Workload
    context: StepContext

    @property
    def inputs(self) -> Sequence[Column]:
        """The model's inputs: the workload's own and the features."""
        return self.context.inputs

    def tables(self) -> dict[str, pd.DataFrame]:
        """The extracted tables."""
        names = self.folder.names(EXTRACT, ".parquet")
        return {name: self.folder.read_frame(f"{EXTRACT}/{name}.parquet") for name in names}


def require_table(value: object, what: str) -> pd.DataFrame:
    """`value`, if it is a pandas table with rows. Raises `ContractError`."""
    import pandas as pd

    if not isinstance(value, pd.DataFrame):
        raise ContractError(f"{what} must be a pandas DataFrame, not {type(value).__name__}.")
    if value.empty:
        raise ContractError(f"{what} has no rows: do the parameters of the run name a time that has data?")
    return value


def numbers(value: object, what: str) -> dict[str, float]:
    """`value`, if it is a mapping of names to numbers. Raises `ContractError`."""
    if not isinstance(value, Mapping):
        raise ContractError(f"{what} must be a mapping of names to numbers, not {type(value).__name__}.")
    found: dict[str, float] = {}
    for name, number in value.items():
        found[str(name)] = _number(number, f"`{name}` in {what}")
    return found


def _number(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ContractError(f"{what} must be a number, not {value!r}.") from None
