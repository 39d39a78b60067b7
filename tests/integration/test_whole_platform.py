"""Every stage of blueprints/local.yaml at once: killed one by one, asked, watched, and gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import psutil
import pytest
import yaml
from integration_platform import (
    EXAMPLE,
    FLIGHT,
    Platform,
    answers,
    end_everything,
    is_taken,
    listening,
    processes,
    program_of,
    supervisors,
)
from notebooks import run_notebook
from real_browser import started
from waiting import eventually

from mlops_stacks.blueprint.vocabulary import Stage
from mlops_stacks.runtime.monitoring.report import report_name

ROOT = Path(__file__).parents[2]
SMALL = {"train_until": "2013-01-20", "evaluate_until": "2013-01-31", "iterations": 20}
PROGRAMS = {"mlflow", "jupyterlab", "dev-scheduler", "dev-serving-delay", "dev-monitor"}
FEATURES = ["origin_delays__late_share_3h", "origin_delays__late_share_24h", "route_delays__late_share_7d"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The laptop's blueprint with a month of flights, released and served."""
    folder = tmp_path_factory.mktemp("whole")
    document = yaml.safe_load((ROOT / "blueprints" / "local.yaml").read_text())
    document["workload"]["path"] = str(EXAMPLE)
    model = document["models"]["delay"]
    model["parameters"] = SMALL
    model["pipeline"]["schedule"] = {"cron": "0 3 1 1 *"}
    del model["acceptance"]
    assert set(document["stages"]) == {stage.value for stage in Stage}
    blueprint = folder / "blueprint.yaml"
    blueprint.write_text(yaml.safe_dump(document, sort_keys=False))
    made = Platform(blueprint, "delay")
    try:
        for command in (["up"], ["run", "delay"], ["release", "delay", "latest_approved"], ["up"]):
            made.cli(*command)
        yield made
        ports = {port for _, port in listening(processes(made.home))}
        made.cli("destroy", "--yes")
        assert processes(made.home) == []
        assert not [port for port in ports if is_taken(port)]
    finally:
        end_everything(folder)


def _running(platform: Platform) -> dict[str, int]:
    """Program -> identifier of the process that the supervisor started for it."""
    (daemon,) = supervisors(platform.home)
    found = {}
    for process in processes(platform.home):
        try:
            if process.ppid() == daemon.pid:
                found[program_of(process)] = process.pid
        except psutil.NoSuchProcess:
            continue
    return found


def _all_answer(platform: Platform) -> bool:
    state = platform.shown("status", "--json")
    return {p["name"]: p["state"] for p in state["processes"]} == dict.fromkeys(PROGRAMS, "running") and answers(
        platform.endpoint
    )


def test_every_process_comes_back_after_a_kill(platform: Platform) -> None:
    before = _running(platform)
    assert set(before) == PROGRAMS
    for name, pid in before.items():
        os.kill(pid, signal.SIGKILL)
        eventually(lambda name=name, pid=pid: _running(platform).get(name, pid) != pid)
    eventually(lambda: _all_answer(platform), 60)
    after = _running(platform)
    assert set(after) == PROGRAMS
    assert not set(after.values()) & set(before.values())
    assert platform.predict()["version"] == "1"


def test_a_killed_supervisor_comes_back_by_up_with_each_program_once(platform: Platform) -> None:
    (daemon,) = supervisors(platform.home)
    before = set(_running(platform).values())
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait(10)
    platform.cli("up")
    eventually(lambda: _all_answer(platform), 60)
    assert set(_running(platform)) == PROGRAMS
    assert not [pid for pid in before if psutil.pid_exists(pid)]
    again = platform.cli("up").stdout
    assert "created" not in again
    assert "updated" not in again


def test_the_workbench_reads_the_features_of_this_platform(platform: Platform) -> None:
    bench = platform.shown("outputs", "workbench", "--json")
    (server,) = [p for p in processes(platform.home) if program_of(p) == "jupyterlab" and "jupyterlab" in p.cmdline()]
    read = "print('known', len(known), sorted(known.columns), int(known.filter(like='late_share').notna().sum().sum()))"
    _, printed = run_notebook(Path(bench["notebooks"]), server.environ(), read)
    assert all(f"{group}: " in printed for group in ("origin_delays", "route_delays"))
    known = next(line for line in printed.splitlines() if line.startswith("known"))
    assert known.startswith("known 5 ")
    assert "'late_share_3h'" in known or "'late_share_7d'" in known
    assert int(known.rsplit(" ", 1)[1]) >= 5
    assert "/runs/" in printed


def _report(platform: Platform, until: datetime) -> Any:
    """What the monitor starts when a report is due; returns what it found."""
    settings = platform.home / "dev" / "monitoring" / "monitor.json"
    arguments = ["report", "--settings", settings.as_uri(), "--model", "delay", "--until", until.isoformat()]
    command = [sys.executable, "-m", "mlops_stacks.runtime", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return json.loads((_monitored(platform) / "reports" / report_name("1", until) / "summary.json").read_text())


def _monitored(platform: Platform) -> Path:
    return platform.home / "dev" / "monitoring" / "reports" / "delay"


def _captured(platform: Platform) -> list[dict[str, Any]]:
    folder = platform.home / "dev" / "capture" / "delay"
    return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def midnight() -> datetime:
    """The end of today, which is the end of the window of what is asked now."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def test_a_report_compares_the_features_that_the_server_looked_up(platform: Platform, midnight: datetime) -> None:
    platform.post("/predict", {"instances": [FLIGHT] * 150})
    eventually(lambda: len(_captured(platform)) >= 150)
    summary = _report(platform, midnight)
    assert summary["rows"] >= 150
    assert set(FEATURES) <= set(summary["drift"]["features"])
    assert summary["data"][FEATURES[0]]["missing_share"] == 0


def test_two_drifted_weeks_start_one_retraining_which_becomes_a_version(platform: Platform, midnight: datetime) -> None:
    """The requests of today are one flight over and over; so are those planted in the week before."""
    assert _drift_alarms(platform) == [], "one odd week is no alarm"
    planted = [_earlier(record, timedelta(days=7)) for record in _captured(platform)]
    file = platform.home / "dev" / "capture" / "delay" / f"{planted[0]['time'][:10]}-planted.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in planted))
    assert _report(platform, midnight - timedelta(days=7))["drift"]["bad"] is True

    def retrained() -> list[dict[str, Any]]:
        return [run for run in platform.shown("status", "--json")["runs"] if run["trigger"] == "drift"]

    eventually(lambda: [run["ended"] for run in retrained() if run["ended"]], 300)
    (run,) = retrained()
    assert (run["state"], run["error"]) == ("succeeded", None)
    assert str(run["result"]["version"]) == "2"
    assert [one["number"] for one in platform.shown("versions", "delay", "--json")["delay"]] == [2, 1]
    (alarm,) = _drift_alarms(platform)
    assert (alarm["state"], alarm["run"]) == ("raised", run["run_id"])

    assert _report(platform, midnight + timedelta(days=1))["drift"]["bad"] is True
    _look_again(platform)
    assert retrained() == [run], "a report on an alarm that is open starts nothing"
    assert _drift_alarms(platform) == [alarm]


def _drift_alarms(platform: Platform) -> list[dict[str, Any]]:
    """A machine with much else to do may raise alarms on latency as well."""
    (watched,) = platform.shown("status", "--json")["monitoring"]
    assert watched["drift"] == "drift"
    return [alarm for alarm in watched["alarms"] if alarm["kind"] == "drift"]


def _earlier(record: dict[str, Any], by: timedelta) -> dict[str, Any]:
    return {**record, "time": (datetime.fromisoformat(record["time"]) - by).isoformat()}


def _look_again(platform: Platform) -> None:
    """Have the monitor begin anew: it looks at everything at once, and asks the server first."""
    looked = _monitored(platform) / "server.json"
    before = looked.stat().st_mtime_ns
    os.kill(_running(platform)["dev-monitor"], signal.SIGKILL)
    eventually(lambda: looked.stat().st_mtime_ns != before)
    time.sleep(2)


def test_people_see_all_of_it_in_a_browser(platform: Platform, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlops_stacks.cli.main", "open", "feature_store", "--no-browser"]
    with started(tmp_path / "browser") as browser, Popen(command, cwd=platform.blueprint.parent, stdout=PIPE) as server:
        try:
            assert server.stdout is not None
            name, address = server.stdout.readline().decode().split()
            browser.get(address)
            features = browser.find_element("css selector", "body").text
            browser.find_element("link text", "Status").click()
            status = browser.find_element("css selector", "body").text
            report = browser.find_element("link text", "The whole report").get_attribute("href")
        finally:
            server.send_signal(signal.SIGINT)
    assert (name, server.returncode) == ("features:", 0)
    for words in ("origin_delays in dev", "route_delays in dev", "late_share_7d", "online: up to date", "3 entities"):
        assert words in features, words
    assert "cannot be read" not in features
    for words in ("raised", "delay in dev", "dev: 1", "started drift-", "feature store: Feast in dev"):
        assert words in status, words
    assert str(report).endswith("/reports/dev/delay")
    page = platform.cli("open", "monitoring", "--no-browser").stdout.split()[-1]
    assert "root_metric_" in urllib.request.urlopen(page, timeout=10).read().decode(), "as Evidently writes it"


def test_the_state_of_every_stage_is_shown(platform: Platform) -> None:
    state = platform.shown("status", "--json")
    assert {one["stage"] for one in state["stages"] if one["deployed"]} == {stage.value for stage in Stage}
    (watched,) = state["monitoring"]
    assert (watched["model"], watched["rows"] >= 150) == ("delay", True)
    assert "Drift and alarms" in platform.cli("status").stdout
    assert "http://127.0.0.1" in platform.cli("open", "workbench", "--no-browser").stdout
