"""Where the monitor of an environment keeps what, and how its documents are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_components.spec.monitoring import MonitorSettings
from mlops_stacks.runtime.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one watched model."""

    folder: Path

    @property
    def reports(self) -> Path:
        """A folder for each report: `summary.json`, `report.html`, `report.json`."""
        return self.folder / "reports"

    @property
    def first_seen(self) -> Path:
        """Since when a schedule is followed."""
        return self.folder / "schedule.json"

    @property
    def alarms(self) -> Path:
        """Every alarm that was ever raised."""
        return self.folder / "alarms.json"

    @property
    def acknowledged(self) -> Path:
        """Which alarms a person has taken note of."""
        return self.folder / "acknowledged.json"

    @property
    def retrainings(self) -> Path:
        """Which alarm started which run."""
        return self.folder / "retrainings.json"

    @property
    def server(self) -> Path:
        """What was last seen of the server: latency, errors."""
        return self.folder / "server.json"

    @property
    def log(self) -> Path:
        """What the children say."""
        return self.folder / "report.log"

    def baseline(self, version: str, window_days: int) -> Path:
        """Thresholds and other facts of the reference of a version."""
        return self.folder / "baselines" / f"{version}-{window_days}d.json"

    def reference(self, version: str) -> Path:
        """The reference rows of a version, with its predictions."""
        return self.folder / "baselines" / f"{version}.parquet"


def places_of(settings: MonitorSettings, model: str) -> Places:
    """The files of `model`."""
    return Places(Path(settings["folder"]) / model)


def read_document(path: Path, default: Any) -> Any:
    """A JSON document that this package wrote; `default` where there is none yet. Raises `SettingsError`."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise SettingsError(f"the file {path} is not JSON: delete it, and it is made anew ({error}).") from error


def summaries(places: Places) -> list[dict[str, Any]]:
    """What each report found, earliest first."""
    found = [read_document(path, None) for path in places.reports.glob("*/summary.json")]
    return sorted((one for one in found if one is not None), key=lambda one: (str(one["until"]), str(one["report"])))
