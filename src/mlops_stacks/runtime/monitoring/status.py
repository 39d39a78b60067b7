"""What a monitor knows, read from its files: for `mlops-stacks status`, the status page and the metrics page.

It needs neither the monitor to run nor any library, and never writes but in `acknowledge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlops_components.spec.monitoring import MonitorSettings
from mlops_stacks.runtime.errors import SettingsError
from mlops_stacks.runtime.monitoring.places import Places, places_of, read_document, summaries
from mlops_stacks.runtime.run_status import write_json


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One watched model."""

    model: str
    first_seen: str | None
    """Since when its schedule is followed; None: not yet."""
    last_report: Mapping[str, Any] | None
    """The summary of the latest report: `drift`, `data`, `quality`, `since`, `until`, `rows`, …"""
    last_page: str | None
    """Path of the latest report's HTML page."""
    alarms: list[dict[str, Any]] = field(default_factory=list)
    """Every alarm, latest first: `name`, `kind`, `state` (raised, acknowledged, resolved), `reason`, `raised`, …"""
    retrainings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Alarm -> the run that it started."""
    server: Mapping[str, Any] | None = None
    """`reachable`, `latency_p99_ms`, `error_rate_percent` when last looked at."""
    problem: str | None = None
    """Why the last report could not be made."""

    @property
    def last_report_at(self) -> str | None:
        """The end of the latest report's window."""
        return str(self.last_report["until"]) if self.last_report else None

    @property
    def open_alarms(self) -> list[dict[str, Any]]:
        """Those that are not resolved."""
        return [alarm for alarm in self.alarms if alarm["resolved"] is None]

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def read_status(folder: Path) -> list[ModelStatus]:
    """What is known of each model; `folder` holds a folder for each (the stage's `reports`, one level up)."""
    if not folder.is_dir():
        return []
    return [status_of_model(path.name, Places(path)) for path in sorted(folder.iterdir()) if path.is_dir()]


def status_of(settings: MonitorSettings) -> list[ModelStatus]:
    """What is known of each model that the monitor watches."""
    return [status_of_model(model, places_of(settings, model)) for model in sorted(settings["models"])]


def status_of_model(model: str, places: Places) -> ModelStatus:
    """What is known of one model. Raises `SettingsError` where a file is damaged."""
    reports = summaries(places)
    last = reports[-1] if reports else None
    page = places.reports / str(last["report"]) / "report.html" if last else None
    seen = read_document(places.first_seen, None)
    alarms = read_document(places.alarms, [])
    return ModelStatus(
        model=model,
        first_seen=seen["since"] if seen else None,
        last_report=last,
        last_page=str(page) if page is not None and page.exists() else None,
        alarms=sorted(alarms, key=lambda alarm: str(alarm["raised"]), reverse=True),
        retrainings=read_document(places.retrainings, {}),
        server=read_document(places.server, None),
        problem=seen.get("problem") if seen else None,
    )


def acknowledge(places: Places, alarm: str, who: str) -> None:
    """Record that `who` has taken note of an open alarm. Raises `SettingsError` where there is no such alarm."""
    known = [one["name"] for one in read_document(places.alarms, []) if one["resolved"] is None]
    if alarm not in known:
        said = ", ".join(known) or "none"
        raise SettingsError(f"there is no open alarm `{alarm}` (open are: {said}).")
    write_json(places.acknowledged, {**read_document(places.acknowledged, {}), alarm: who})
