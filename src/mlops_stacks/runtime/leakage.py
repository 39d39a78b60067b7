"""Signs that a model input knows the future: an input that alone almost tells the label, or rows out of time order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from mlops_stacks.runtime.workload import Column, Prepared


def overlap_in_time(prepared: Prepared, time: str | None) -> str | None:
    """A sentence if some evaluation row is not later than every training row; None if all is well or unchecked."""
    if time is None:
        return None
    latest, earliest = prepared.train[time].max(), prepared.evaluation[time].min()
    if latest < earliest:
        return None
    return f"training rows reach to {latest}, but evaluation rows begin at {earliest}: the model would know its exam."


def single_input_strength(prepared: Prepared, inputs: Sequence[Column], label: str) -> dict[str, float]:
    """For a yes-or-no label: how well each input alone ranks it on the evaluation rows (area under the ROC curve).

    0.5 is chance, 1.0 is the label itself. A text stands for its label's mean in training. Empty for other labels.
    """
    truth = prepared.evaluation[label]
    if set(truth.unique()) != {0, 1} or not set(prepared.train[label].unique()) <= {0, 1}:
        return {}
    return {column.name: _strength(prepared, column, label) for column in inputs}


def _strength(prepared: Prepared, column: Column, label: str) -> float:
    scores: pd.Series[Any] = prepared.evaluation[column.name]
    if column.kind == "string":
        rates = prepared.train.groupby(column.name)[label].mean()
        scores = scores.map(rates)
    truth = prepared.evaluation[label].astype(bool).to_numpy()
    filled = scores.astype(float)
    ranks = filled.fillna(filled.median()).rank().fillna(1.0).to_numpy()
    positives, negatives = int(truth.sum()), int((~truth).sum())
    area = (float(ranks[truth].sum()) - positives * (positives + 1) / 2) / (positives * negatives)
    return max(area, 1 - area)
