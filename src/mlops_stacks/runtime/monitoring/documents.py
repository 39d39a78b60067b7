"""Reads the monitor's settings. No pydantic: the monitor is to stay small, and the composition has checked them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mlops_components.spec.monitoring import MonitorSettings, WatchedModel
from mlops_stacks.runtime.errors import SettingsError


def monitor_settings(uri: str) -> MonitorSettings:
    """Read a `MonitorSettings` document (a `file:` URI or a path). Raises `SettingsError`."""
    path = Path(url2pathname(urlsplit(uri).path)) if uri.startswith("file:") else Path(uri)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the monitor settings {uri} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"the monitor settings {uri} are not JSON: {error}.") from error
    _complete(document, MonitorSettings.__required_keys__, uri)
    for model, watched in document["models"].items():
        _complete(watched, WatchedModel.__required_keys__, f"{uri}, model `{model}`,")
    document["port"] = int(document["port"])
    return cast(MonitorSettings, document)


def _complete(document: object, keys: frozenset[str], where: str) -> None:
    missing = sorted(keys - set(document)) if isinstance(document, dict) else sorted(keys)
    if missing:
        raise SettingsError(f"the monitor settings {where} lack `{missing[0]}`: run `up` again.")
