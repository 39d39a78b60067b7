"""The Prometheus rules, by Prometheus' own tool; CI installs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects import project_of
from real_tools import needed

from mlops_components.monitoring.rules import prometheus_rules

SCHEMAS = Path(__file__).parents[3] / "shared" / "data" / "schemas" / "prometheus"
LIMITS: Any = {
    "drift": {}, "drifted_features": 3, "windows_running": 2,
    "error_rate_percent": 5.0, "latency_p99_ms": 250.0, "minimum_quality": {},
}  # fmt: skip


def _written(folder: Path) -> Path:
    path = folder / "rules.yaml"
    path.write_text(json.dumps(prometheus_rules("flights", "dev", {"delay": LIMITS})))
    return path


def _promtool(*arguments: str, folder: Path) -> str:
    ended = subprocess.run(
        [needed("promtool", package="prometheus"), *arguments], cwd=folder, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    assert "11 rules found" in _promtool("check", "rules", str(_written(tmp_path)), folder=tmp_path)


def _case(series: dict[str, str], alert: str, at: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": expected}],
    }


def _alert(severity: str, summary: str, **labels: str) -> list[dict[str, Any]]:
    return [{"exp_labels": {"severity": severity, "model": "delay", **labels}, "exp_annotations": {"summary": summary}}]


AT = '{model="delay",version="1"}'
REQUESTS = 'mlops_stacks_requests_total{model="delay",version="1",route="predict",code="200"}'
ERRORS = 'mlops_stacks_errors_total{model="delay",version="1",route="predict",code="500"}'
MONITOR = "mlops_stacks_monitor"


def _bucket(bound: str, step: int) -> dict[str, str]:
    name = f'mlops_stacks_request_seconds_bucket{{model="delay",version="1",route="predict",le="{bound}"}}'
    return {name: f"0+{step}x60"}


CASES = {
    "slow": _case(
        {**_bucket("0.1", 600), **_bucket("0.5", 6000), **_bucket("+Inf", 6000)},
        "ModelLatencyHigh", "30m",
        _alert("warning", "99 % of the answers of delay take up to 495.6ms."),
    ),
    "fast": _case(
        {**_bucket("0.1", 6000), **_bucket("0.5", 6000), **_bucket("+Inf", 6000)}, "ModelLatencyHigh", "30m", []
    ),
    "errors": _case(
        {REQUESTS: "0+100x60", ERRORS: "0+10x60"}, "ModelErrorsHigh", "30m",
        _alert("critical", "10% of the requests to delay are answered with an error."),
    ),
    "few errors": _case({REQUESTS: "0+100x60", ERRORS: "0+4x60"}, "ModelErrorsHigh", "30m", []),
    "no requests": _case({REQUESTS: "5+0x60", ERRORS: "5+0x60"}, "ModelErrorsHigh", "30m", []),
    "drift": _case(
        {f'{MONITOR}_alarm{{model="delay",kind="drift"}}': "0x10 1x50"}, "ModelDrift", "20m",
        _alert(
            "warning",
            "The requests to delay are no longer like its training data; the monitor's last report names features.",
            kind="drift",
        ),
    ),
    "no drift": _case({f'{MONITOR}_alarm{{model="delay",kind="drift"}}': "0x60"}, "ModelDrift", "20m", []),
    "stale": _case(
        {
            f'{MONITOR}_last_report_timestamp_seconds{{model="delay"}}': "0x400",
            f'{MONITOR}_report_interval_seconds{{model="delay"}}': "3600x400",
        },
        "MonitorStale", "150m",
        _alert("warning", "There is no new report on delay, though one was due: see the monitor's log."),
    ),
    "in time": _case(
        {
            f'{MONITOR}_last_report_timestamp_seconds{{model="delay"}}': "0x400",
            f'{MONITOR}_report_interval_seconds{{model="delay"}}': "3600x400",
        },
        "MonitorStale", "110m", [],
    ),
    "missing": _case(
        {
            f'{MONITOR}_missing_share{{model="delay",feature="temp"}}': "0.5x90",
            f'{MONITOR}_reference_missing_share{{model="delay",feature="temp"}}': "0.01x90",
        },
        "ModelInputsMissing", "80m",
        _alert(
            "warning", "The input temp of delay is missing far more often than in its training data.", feature="temp"
        ),
    ),
    "unreachable": _case(
        {f'{MONITOR}_server_up{{model="delay"}}': "1x5 0x30"}, "ServerUnreachable", "15m",
        _alert("critical", "The server of delay does not answer the monitor."),
    ),
    "dropping": _case(
        {f"mlops_stacks_capture_dropped_total{AT}": "0x5 0+5x30"}, "CaptureDropping", "15m",
        _alert(
            "warning", "Requests to delay were answered but not kept for monitoring: the disk is full or too slow."
        ),
    ),
    "absent": {
        "interval": "1m",
        "input_series": [],
        "alert_rule_test": [
            {
                "eval_time": "20m",
                "alertname": "MonitorAbsent",
                "exp_alerts": [
                    {
                        "exp_labels": {"severity": "critical"},
                        "exp_annotations": {
                            "summary": "No monitor is collected from: nobody would be told of drift."
                        },
                    }
                ],
            }
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_an_alert_fires_when_it_should_and_only_then(case: str, tmp_path: Path) -> None:
    _written(tmp_path)
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [CASES[case]]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(document))
    _promtool("test", "rules", "test.yaml", folder=tmp_path)


def _planned() -> dict[str, str]:
    from compose import documents

    from mlops_stacks.operations.planning import plan

    stages = ["foundation", "model_registry", "serving", "monitoring"]
    planned = plan(project_of(documents.local(stages=stages), Path("/project"), {"dev": {"flight_delay": "1"}}))
    assert planned.errors == ()
    return {
        r.name: str(r.inputs["content"]) for r in planned.resources if r.stage == "monitoring" and "content" in r.inputs
    }


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the schemas of Prometheus' files are not here")
@pytest.mark.parametrize(("name", "schema"), [("rules", "prometheus.rules"), ("scrape", "prometheus")])
def test_what_is_planned_follows_the_published_schema(name: str, schema: str) -> None:
    import jsonschema

    document = yaml.safe_load(_planned()[f"monitoring-{name}"])
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))


def test_promtool_accepts_what_is_planned(tmp_path: Path) -> None:
    planned = _planned()
    (tmp_path / "prometheus-rules.yaml").write_text(planned["monitoring-rules"])
    scrape = yaml.safe_load(planned["monitoring-scrape"])
    for job in scrape["scrape_configs"]:
        for static in job["static_configs"]:
            static["targets"] = [t if "${" not in t else "127.0.0.1:9000" for t in static["targets"]]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(scrape))
    assert "SUCCESS" in _promtool("check", "config", "prometheus.yaml", folder=tmp_path)
