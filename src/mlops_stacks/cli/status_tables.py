"""`status` for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_stacks.cli.console import result, table


def show(found: Mapping[str, Any]) -> None:
    """Print a status document as tables."""
    result(f"{found['blueprint']} ({found['file']})")
    result("")
    table(
        "Stages",
        ("scope", "stage", "engine", "platform", ""),
        [(s["scope"], s["stage"], s["engine"], s["platform"], _deployed(s["deployed"])) for s in found["stages"]],
        "none",
    )
    table(
        "Processes",
        ("scope", "stage", "name", "state", "pids"),
        [(p["scope"], p["stage"], p["name"], p["state"], " ".join(map(str, p["pids"]))) for p in found["processes"]],
        "none on this machine",
    )
    table(
        "Endpoints",
        ("environment", "model", "version", "address", ""),
        [
            (e["environment"], e["model"], str(e["version"]), str(e["address"]), _ready(e["ready"]))
            for e in found["endpoints"]
        ],
        "none: nothing is released yet",
    )
    table(
        "Models",
        ("model", "versions", "newest", "released"),
        [(m["model"], *_versions(m), _releases(m["releases"])) for m in found["models"]],
        "none",
    )
    table(
        "Last runs",
        ("environment", "pipeline", "run", "state", "started", "came to"),
        [
            (r["environment"], r["pipeline"], r["run_id"], r["state"], str(r["started"]), _outcome(r))
            for r in found["runs"]
        ],
        "none yet",
    )
    if found["packages"]:
        table(
            "Builds and packages",
            ("number", "outcome", "commit", "made", "runs in, or why not"),
            [
                (str(p["number"]), p["outcome"], p["commit"][:12], p["made"][:16], p["remark"])
                for p in found["packages"]
            ],
            "none yet",
        )
    if found["monitoring"]:
        table(
            "Drift and alarms",
            ("environment", "model", "verdict", "until", "why", "open alarms"),
            [
                (m["environment"], m["model"], m["drift"], str(m["until"] or ""), m["reason"], _alarms(m["alarms"]))
                for m in found["monitoring"]
            ],
            "nothing is watched yet",
        )


def _alarms(alarms: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{alarm['kind']} ({alarm['state']})" for alarm in alarms if alarm["state"] != "resolved")


def _deployed(there: bool) -> str:
    return "deployed" if there else "not deployed"


def _ready(ready: bool | None) -> str:
    return {True: "ready", False: "not answering", None: ""}[ready]


def _versions(model: Mapping[str, Any]) -> tuple[str, str]:
    if model["problem"]:
        return "?", str(model["problem"])
    newest = model["versions"][0] if model["versions"] else None
    return str(len(model["versions"])), f"{newest['number']} ({newest['approval']})" if newest else "none"


def _releases(releases: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {version or 'none'}" for name, version in releases.items())


def _outcome(run: Mapping[str, Any]) -> str:
    if run["error"]:
        return str(run["error"])
    version = (run["result"] or {}).get("version")
    return f"version {version}" if version else ""
