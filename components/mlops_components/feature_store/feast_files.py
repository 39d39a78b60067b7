"""The two files of a Feast repository, rendered from feature groups: configuration and definitions.

Both are what a person would write by hand, so Feast's own commands, notebooks and user interface work in the folder.
History is read through DuckDB, since Feast's default engine needs hundreds of times as long where entities repeat.
"""

import json
from collections.abc import Mapping

from mlops_components.spec.feature import Feature, FeatureGroup, FeatureType, is_online, key_columns

_TYPES = {
    FeatureType.STRING: "String",
    FeatureType.INTEGER: "Int64",
    FeatureType.FLOAT: "Float64",
    FeatureType.BOOLEAN: "Bool",
    FeatureType.TIMESTAMP: "UnixTimestamp",
}


def configuration(project: str, repository: str, online: str) -> str:
    """`feature_store.yaml`. The registry is a database, not Feast's default file: a kill leaves no half of it."""
    document = {
        "project": project,
        "provider": "local",
        "registry": {"registry_type": "sql", "path": f"sqlite:///{repository}/registry.db"},
        "offline_store": {"type": "duckdb"},
        "online_store": {"type": "sqlite", "path": online},
        "entity_key_serialization_version": 3,
    }
    # JSON is YAML, and knows how to quote whatever stands in a path.
    return json.dumps(document, indent=2) + "\n"


def definitions(groups: Mapping[str, FeatureGroup], history: str) -> str:
    """`definitions.py`: an entity for each key, and a source and a feature view for each group."""
    keys = sorted({key for group in groups.values() for key in key_columns(group)})
    parts = [_HEAD, *(_entity(key) for key in keys), *(_view(name, groups[name], history) for name in sorted(groups))]
    return "\n".join(parts)


def meaning(groups: Mapping[str, FeatureGroup]) -> str:
    """Both files as they would be in any place and project: two stores of the same features have the same text."""
    return configuration("project", ".", "online_store.db") + definitions(groups, "history")


_HEAD = '''\
"""Feature definitions of this environment. Written from the blueprint's `feature_groups`: change them there."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Bool, Float64, Int64, String, UnixTimestamp

_ = (Bool, Float64, Int64, String, UnixTimestamp)
'''


def _entity(key: str) -> str:
    return f"key_{key} = Entity(name={key!r}, join_keys=[{key!r}], value_type=ValueType.STRING)\n"


def _view(name: str, group: FeatureGroup, history: str) -> str:
    keys = key_columns(group)
    fields = [f"        Field(name={key!r}, dtype=String),\n" for key in keys]
    fields += [_field(feature) for feature in group["features"]]
    days = group.get("ttl_days") or 0
    return (
        f"group_{name} = FeatureView(\n"
        f"    name={name!r},\n"
        f"    entities=[{', '.join(f'key_{key}' for key in keys)}],\n"
        f"    ttl=timedelta(days={days}),{'' if days else '  # no limit'}\n"
        f"    online={is_online(group)!r},\n"
        f"    schema=[\n{''.join(fields)}    ],\n"
        f"    source=FileSource(\n"
        f"        name={name!r},\n"
        f"        path={f'{history}/{name}.parquet'!r},\n"
        f"        timestamp_field={group['event_time']!r},\n"
        f"        file_format=ParquetFormat(),\n"
        f"    ),\n"
        f"    tags={{'entity': {group['entity']!r}}},\n"
        ")\n"
    )


def _field(feature: Feature) -> str:
    described = f", description={feature['description']!r}" if feature.get("description") else ""
    return f"        Field(name={feature['name']!r}, dtype={_TYPES[FeatureType(feature['type'])]}{described}),\n"
