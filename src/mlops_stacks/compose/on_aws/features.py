"""What the stages that use features are told of the feature store, and what they may do with it."""

from __future__ import annotations

from typing import Any

from mlops_components.feature_store.sagemaker import FOLDER
from mlops_components.grants import AwsGrant
from mlops_components.spec.feature import SageMakerFeaturesRef
from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.compose.context import Context
from mlops_stacks.compose.on_aws import common


def reference(context: Context) -> SageMakerFeaturesRef | None:
    """What steps and servers of this environment are told; None where there is no feature store."""
    store: Any = context.contract(Stage.FEATURE_STORE)
    if store is None:
        return None
    return {
        "feature_groups": store.feature_groups,
        "region": common.placement(context)["region"],
        "groups": context.settings.feature_groups,
    }


def grants_of_training(context: Context) -> list[AwsGrant]:
    """What the steps of a pipeline need: they bring features, and read their history."""
    store: Any = context.contract(Stage.FEATURE_STORE)
    foundation: Any = context.contract(Stage.FOUNDATION)
    if store is None:
        return []
    return [*store.grant_ingest(), *store.grant_read_history(), *foundation.grant_data_write(FOLDER)]


def grants_of_serving(context: Context) -> list[AwsGrant]:
    """What a server needs: it looks up the latest rows."""
    store: Any = context.contract(Stage.FEATURE_STORE)
    return [] if store is None else list(store.grant_read_online())


def grants_of_people(context: Context) -> list[AwsGrant]:
    """What a notebook needs: it reads the history and the latest rows."""
    store: Any = context.contract(Stage.FEATURE_STORE)
    foundation: Any = context.contract(Stage.FOUNDATION)
    if store is None:
        return []
    return [*store.grant_read_history(), *store.grant_read_online(), *foundation.grant_data_read(FOLDER)]
