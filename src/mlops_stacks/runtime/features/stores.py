"""Which feature store a run has, and what is done with it: the same four things, whoever keeps the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import TypeIs

from mlops_components.spec.feature import AnyFeatureStoreRef, SageMakerFeaturesRef

if TYPE_CHECKING:
    import pandas as pd


class Online(Protocol):
    """Looks up the latest rows. Safe to use from several threads."""

    def row(self, group: str, keys: Mapping[str, str], names: Sequence[str]) -> dict[str, Any]:
        """The features of one entity; None where it has no row, or one that is older than the group's limit.

        Raises `LookupFaultError` where nobody can tell.
        """

    def close(self) -> None:
        """Let go of what is held open."""


def on_sagemaker(store: AnyFeatureStoreRef) -> TypeIs[SageMakerFeaturesRef]:
    """Whether SageMaker keeps the features."""
    return "feature_groups" in store


def join(store: AnyFeatureStoreRef, features: Sequence[str], rows: pd.DataFrame, time: str) -> pd.DataFrame:
    """`rows`, in their order, with a column for each feature as it was known at the time in column `time`.

    A row of the history with exactly that time counts as known. Raises `ContractError` for missing columns.
    """
    if on_sagemaker(store):
        from mlops_stacks.runtime.features import sagemaker_store

        return sagemaker_store.join(store, features, rows, time)
    from mlops_stacks.runtime.features import feast_store

    return feast_store.join(store, features, rows, time)


def ingest(store: AnyFeatureStoreRef, computed: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Bring the rows of each group, as `typed_rows` returns them, into history and online store.

    Returns how many rows each history holds now, and which groups are online. Repeating it changes nothing.
    """
    if on_sagemaker(store):
        from mlops_stacks.runtime.features import sagemaker_store

        return sagemaker_store.ingest(store, computed)
    from mlops_stacks.runtime.features.feast_store import materialise
    from mlops_stacks.runtime.features.history import write_history, writing

    with writing(store):
        kept = {group: write_history(store, group, rows) for group, rows in computed.items()}
        return {"history": kept, "online": materialise(store)}


def online(store: AnyFeatureStoreRef) -> Online:
    """What looks up the latest rows."""
    if on_sagemaker(store):
        from mlops_stacks.runtime.features.sagemaker_online import SageMakerOnline

        return SageMakerOnline(store)
    from mlops_stacks.runtime.features.online import OnlineStore

    return OnlineStore(store)
