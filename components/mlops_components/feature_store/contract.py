"""Features of reusable entities: computed once, the same for training and for inference."""

from typing import Protocol

import pulumi


class FeatureStore(Protocol):
    """What a feature store offers to the other stages."""

    feature_groups: pulumi.Output[dict[str, str]]
    """Feature group of the blueprint -> what identifies it (a name or an ARN; on a laptop Feast's feature view)."""
    history: pulumi.Output[str]
    """Where the history is, from which training reads; on a laptop a folder."""
    online_store: pulumi.Output[str]
    """Where the latest rows are, which inference reads; on a laptop an SQLite file."""
