"""What SageMaker's feature store cannot do."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_components.spec.feature import RECORD_KEY, FeatureGroup, is_online, key_columns
from mlops_stacks.blueprint.aws_stages.features import SageMakerFeatureStore
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Settings

_TAKEN = frozenset({"is_deleted", "write_time", "api_invocation_time"})
"""SageMaker API, `FeatureDefinition`: columns that it adds itself."""
_FOLDERS = frozenset({"year", "month", "day", "hour"})
"""SageMaker Developer Guide, "Offline store data format": the history's folders, which are columns of its table."""


def sagemaker_feature_rules(settings: Settings) -> Iterator[Problem]:
    """Every broken rule, with paths below the settings."""
    chosen = settings.stages.feature_store
    if not isinstance(chosen, SageMakerFeatureStore):
        return
    for name, group in settings.feature_groups.items():
        yield from _column_rules(("feature_groups", name), group)
    if chosen.throughput and chosen.online_storage == "in_memory":
        online = [name for name, group in settings.feature_groups.items() if is_online(group)]
        if online:
            yield Problem(
                ("stages", "feature_store", "throughput"),
                f"rows in memory are paid for by request, and `{online[0]}` is online",
                "remove `throughput`, or write `online_storage: standard`",
            )


def _column_rules(at: FieldPath, group: FeatureGroup) -> Iterator[Problem]:
    joined = len(key_columns(group)) > 1
    seen: dict[str, str] = {}
    for path, column in _columns(group):
        if column in _TAKEN or (column == RECORD_KEY and joined):
            yield Problem((*at, *path), f"SageMaker's history has a column `{column}` already", "choose another name")
        elif column.lower() in _FOLDERS:
            yield Problem(
                (*at, *path),
                f"the folders of SageMaker's history are columns of its table, and `{column}` is one of them",
                f"choose another name, e.g. `{column}_of_event`",
            )
        elif column.endswith("_"):
            yield Problem((*at, *path), f"SageMaker takes no name that ends in `_`, as `{column}` does", "leave it out")
        elif column.lower() in seen and seen[column.lower()] != column:
            yield Problem(
                (*at, *path),
                f"the catalogue knows no capital letters: `{column}` and `{seen[column.lower()]}` are one column to it",
                "give them names that differ in more",
            )
        seen.setdefault(column.lower(), column)


def _columns(group: FeatureGroup) -> Iterator[tuple[FieldPath, str]]:
    if "keys" in group:
        yield from ((("keys", index), key) for index, key in enumerate(key_columns(group)))
    else:
        yield ("entity",), group["entity"]
    yield ("event_time",), group["event_time"]
    yield from ((("features", index, "name"), feature["name"]) for index, feature in enumerate(group["features"]))


SETTINGS_RULES = (sagemaker_feature_rules,)
