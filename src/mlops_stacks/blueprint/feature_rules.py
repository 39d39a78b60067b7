"""Rules of feature groups, and of what models read from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches

from mlops_components.spec.feature import FeatureGroup, FeatureType, feature_type, key_columns
from mlops_stacks.blueprint.problems import FieldPath, Problem
from mlops_stacks.blueprint.settings import Settings
from mlops_stacks.blueprint.vocabulary import Platform

_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def feature_rules(settings: Settings) -> Iterator[Problem]:
    """Every broken rule, with paths below the settings."""
    for name, group in settings.feature_groups.items():
        yield from _group_rules(("feature_groups", name), group)
        if settings.stages.feature_store and settings.stages.feature_store.platform is Platform.LOCAL:
            yield from _feast_rules(("feature_groups", name), group)
    for name, model in settings.models.items():
        for at, feature in enumerate(model.features):
            yield from _reference_rules(settings, ("models", name, "features", at), feature)
        for feature, times in Counter(model.features).items():
            if times > 1:
                at = len(model.features) - 1 - model.features[::-1].index(feature)
                yield Problem(("models", name, "features", at), f"`{feature}` is named twice", "remove one of the two")


def _group_rules(at: FieldPath, group: FeatureGroup) -> Iterator[Problem]:
    for path, column in _columns(group):
        if not _COLUMN.fullmatch(column):
            yield Problem(
                (*at, *path),
                f"`{column}` cannot be the name of a column on every platform",
                "use at most 63 letters, digits and underscores, and begin with a letter",
            )
    seen: set[str] = set()
    for path, column in _columns(group):
        if column in seen:
            yield Problem((*at, *path), f"the group has the column `{column}` already", "give each column its own name")
        seen.add(column)
    for key in ("features", "keys"):
        if key in group and not group[key]:
            yield Problem((*at, key), f"a feature group without {key} tells nothing", "name at least one")
    days = group.get("ttl_days")
    if days is not None and days < 1:
        yield Problem((*at, "ttl_days"), "rows that hold for no day at all are never served", "write 1 or more")


def _columns(group: FeatureGroup) -> Iterator[tuple[FieldPath, str]]:
    """Where each column is named, and its name."""
    if "keys" in group:
        yield from ((("keys", index), key) for index, key in enumerate(key_columns(group)))
    else:
        yield ("entity",), group["entity"]
    yield ("event_time",), group["event_time"]
    yield from ((("features", index, "name"), feature["name"]) for index, feature in enumerate(group["features"]))


def _feast_rules(at: FieldPath, group: FeatureGroup) -> Iterator[Problem]:
    """What Feast itself cannot do; found here, or else it fails, or drops a column, in the middle of a run."""
    for path, column in _columns(group):
        if path[0] not in ("keys", "entity") and column.endswith("_y"):
            yield Problem(
                (*at, *path),
                f"Feast's join on a laptop drops columns that end in `_y`, as `{column}` does",
                "give it another ending",
            )
        elif column in _TAKEN:
            yield Problem((*at, *path), f"Feast uses the name `{column}` itself", "choose another name")


_TAKEN = frozenset({"event_timestamp", "created_timestamp", "entity_row_id", "rn", "event_expire_timestamp"})


def _reference_rules(settings: Settings, at: FieldPath, feature: str) -> Iterator[Problem]:
    groups = settings.feature_groups
    known = [f"{name}.{column['name']}" for name, group in groups.items() for column in group["features"]]
    kind = feature_type(groups, feature)
    if kind is None:
        close = get_close_matches(feature, known, 1)
        offer = f"use one of {', '.join(f'`{one}`' for one in known[:5])}" if known else "define it in `feature_groups`"
        yield Problem(
            at, f"no feature group has the feature `{feature}`", f"did you mean `{close[0]}`?" if close else offer
        )
    elif kind is FeatureType.TIMESTAMP:
        yield Problem(
            at, f"`{feature}` is a timestamp, which no model takes", "compute a number from it, e.g. hours since then"
        )
    elif settings.stages.feature_store is None and settings.stages.training_pipeline is not None:
        yield Problem(at, "there is no feature store to read from", "add `feature_store` to the stages, or remove it")
