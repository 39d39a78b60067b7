"""The whole loop on real data with the command line: train, register, release, serve, survive, replace, destroy."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from subprocess import DEVNULL, Popen
from typing import Any

import psutil
import pytest
import yaml
from integration_platform import (
    EXAMPLE,
    FLIGHT,
    Picture,
    Platform,
    answers,
    carry_out,
    cli,
    end_everything,
    head_pids,
    is_taken,
    listening,
    picture,
    processes,
    program_of,
    supervisors,
)
from killed_runs import run
from waiting import eventually

from mlops_stacks.executors.events import EventKind
from mlops_stacks.operations.http import NoAnswerError, request

MODEL = "flight_delay"
SERVER, MLFLOW, SCHEDULER = f"dev-serving-{MODEL}", "mlflow", "dev-scheduler"
ONE_OF_EACH = {"supervisord", MLFLOW, SCHEDULER, SERVER}
BLUEPRINT: dict[str, Any] = {
    "schema_version": 1,
    "name": "flights",
    "platform": "local",
    "lifecycle": "delete",
    "environments": {"dev": {}},
    "stages": ["foundation", "experiment_tracking", "model_registry", "training_pipeline", "serving"],
    "workload": {"entry_point": "flight_delay.workload:workload", "path": str(EXAMPLE)},
    "models": {
        MODEL: {
            "pipeline": {"schedule": {"cron": "0 3 1 1 *"}},
            "acceptance": {
                "thresholds": [{"metric": "auc", "minimum": 0.69}, {"metric": "log_loss_gain", "minimum": 0.06}]
            },
            "approval": "automatic",
            "release": "latest_approved",
            "realtime": {"capture": {"sample_percent": 100}},
        }
    },
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(850)]


class Loop(Platform):
    """The platform of this loop: four programs, each of which lives once."""

    def the(self, program: str) -> psutil.Process:
        """The one process group of a program: its eldest process."""
        return min((p for p in processes(self.home) if program_of(p) == program), key=lambda p: p.create_time())

    def assert_one_of_each(self) -> None:
        """Every program lives once: its processes have one ancestor, which the one supervisor started."""
        while True:
            try:
                return self._assert_one_of_each()
            except psutil.NoSuchProcess:
                # A helper of some program's start, gone while we looked; what lasts will be seen again.
                time.sleep(0.1)

    def _assert_one_of_each(self) -> None:
        found = processes(self.home)
        (daemon,) = supervisors(self.home)
        assert {program_of(process) for process in found} - {""} == ONE_OF_EACH
        heads = Counter(program_of(process) for process in found if process.ppid() == daemon.pid)
        assert heads == dict.fromkeys(ONE_OF_EACH - {"supervisord"}, 1)
        ours = {process.pid for process in found}
        assert all(process.ppid() in ours for process in found if process.pid != daemon.pid), "an orphan"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Trained, released and served; killed on the way while MLflow and the server came up."""
    folder = tmp_path_factory.mktemp("full-loop")
    blueprint = folder / "blueprint.yaml"
    blueprint.write_text(yaml.safe_dump(BLUEPRINT, sort_keys=False))
    made = Loop(blueprint, MODEL)
    try:
        made.cli("plan")
        kill_while_mlflow_starts(made)
        run(blueprint, "up", (EventKind.EFFECT, "::experiment-tracking-server", ""))
        made.cli("up")
        made.cli("run", MODEL)
        made.cli("release", MODEL, "latest_approved")
        run(blueprint, "up", (EventKind.EFFECT, f"::serving-{MODEL}-server", "create"))
        made.cli("up")
        yield made
    finally:
        end_everything(folder)


def kill_while_mlflow_starts(platform: Loop) -> None:
    """SIGKILL to `up` as soon as MLflow's process is there, seconds before it answers."""
    command = [sys.executable, "-m", "mlops_stacks.cli.main", "up"]
    with Popen(command, cwd=platform.blueprint.parent, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL) as up:
        eventually(lambda: any(program_of(process) == MLFLOW for process in processes(platform.home)))
        assert up.poll() is None
        up.kill()


def test_training_reached_what_it_must_and_says_where_the_version_came_from(platform: Loop) -> None:
    platform.assert_one_of_each()
    (version,) = platform.shown("versions", MODEL, "--json")[MODEL]
    assert version["metrics"]["auc"] >= 0.69
    assert version["metrics"]["log_loss_gain"] >= 0.06
    registry = platform.shown("outputs", "model_registry.registry_uri", "--json")
    answer = request(f"{registry}/api/2.0/mlflow/model-versions/get?name={MODEL}&version=1", seconds=30).json()
    tags = {tag["key"]: tag["value"] for tag in answer["model_version"]["tags"]}
    assert tags["mlops_stacks.dataset_version"].startswith("sha256:")
    assert len(tags["mlops_stacks.commit"].removesuffix("-dirty")) == 40
    assert tags["mlops_stacks.packages"].startswith("sha256:")
    assert tags["mlops_stacks.python"] == ".".join(map(str, sys.version_info[:3]))
    assert (tags["mlops_stacks.environment"], tags["approval"]) == ("dev", "approved")
    assert (tags["parameter.learning_rate"], tags["parameter.train_until"]) == ("0.05", "2013-03-17")
    assert float(tags["metric.auc"]) == version["metrics"]["auc"]
    logged = request(f"{registry}/api/2.0/mlflow/runs/get?run_id={answer['model_version']['run_id']}", seconds=30)
    metrics = {metric["key"]: metric["value"] for metric in logged.json()["run"]["data"]["metrics"]}
    assert metrics["auc"] == pytest.approx(version["metrics"]["auc"])


def test_a_real_flight_is_predicted_the_same_on_every_route_and_each_is_captured_once(platform: Loop) -> None:
    plain = platform.predict()
    assert (plain["model"], plain["version"]) == (MODEL, "1")
    (probability,) = plain["predictions"]
    assert 0 < probability < 1
    kinds = {str: "BYTES", int: "INT64", float: "FP64"}
    tensors = [
        {"name": name, "shape": [1], "datatype": kinds[type(value)], "data": [value]} for name, value in FLIGHT.items()
    ]
    inferred = platform.post(f"/v2/models/{MODEL}/infer", {"inputs": tensors})
    assert inferred["outputs"][0]["data"] == [probability]
    by_hand = platform.shown("predict", MODEL, "--input", json.dumps(FLIGHT))
    platform.asked += 1
    assert by_hand["predictions"] == [probability]
    for _ in range(25):
        platform.predict()
    folder = platform.home / "dev" / "capture" / MODEL

    def captured() -> list[dict[str, Any]]:
        return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]

    eventually(lambda: len(captured()) >= platform.asked)
    time.sleep(1.5)
    rows = captured()
    assert len(rows) == platform.asked == len({row["request_id"] for row in rows})
    assert {row["prediction"] for row in rows} == {probability}
    assert rows[0]["inputs"] == FLIGHT


def test_up_again_has_nothing_to_do_and_touches_no_process(platform: Loop) -> None:
    before = head_pids(platform.home)
    assert {event.kind for event in carry_out(platform.blueprint, "up")} == {EventKind.UNCHANGED}
    assert head_pids(platform.home) == before


def test_every_socket_listens_on_this_machine_only(platform: Loop) -> None:
    sockets = listening(processes(platform.home))
    kept = json.loads((platform.home / "ports.json").read_text())
    assert {address for address, _ in sockets} == {"127.0.0.1"}
    assert {port for _, port in sockets} == set(kept.values())
    assert len(kept) == 3


def test_every_verb_that_looks_answers(platform: Loop) -> None:
    status = platform.shown("status", "--json")
    assert {program["name"]: program["state"] for program in status["processes"]} == dict.fromkeys(
        (MLFLOW, SCHEDULER, SERVER), "running"
    )
    assert [(e["model"], e["version"], e["ready"]) for e in status["endpoints"]] == [(MODEL, "1", True)]
    assert [run["state"] for run in status["runs"]] == ["succeeded"]
    assert all(stage["deployed"] for stage in status["stages"])
    assert MODEL in platform.cli("status").stdout
    assert platform.endpoint in platform.cli("outputs").stdout
    for stage in ("experiment_tracking", "serving", "training_pipeline"):
        assert platform.cli("logs", stage).stdout.strip(), stage
    for stage in ("experiment_tracking", "model_registry", "serving"):
        page = platform.cli("open", stage, "--no-browser").stdout.split()[-1]
        assert request(page, seconds=10).ok, page


@pytest.mark.parametrize("program", [SERVER, MLFLOW, SCHEDULER])
def test_a_killed_program_comes_back_by_itself(platform: Loop, program: str) -> None:
    before = platform.the(program)
    endpoint = platform.endpoint
    tracking = platform.shown("outputs", "experiment_tracking.tracking_uri", "--json")
    others = head_pids(platform.home) - {before.pid}
    os.kill(before.pid, signal.SIGKILL)

    def is_back() -> bool:
        if any(p.pid == before.pid for p in processes(platform.home)):
            return False
        healthy = request_ok(f"{tracking}/health") and answers(endpoint)
        return healthy and program in {program_of(p) for p in processes(platform.home)}

    eventually(is_back)
    eventually(lambda: steady(platform))
    assert others <= head_pids(platform.home), "its neighbours were left alone"
    assert platform.predict()["version"] == "1"
    alive = head_pids(platform.home)
    carry_out(platform.blueprint, "up")
    assert head_pids(platform.home) == alive, "`up` finds what came back good enough"


def steady(platform: Loop) -> bool:
    try:
        platform.assert_one_of_each()
    except AssertionError:
        return False
    return True


def request_ok(url: str) -> bool:
    try:
        return request(url, seconds=2).ok
    except NoAnswerError:
        return False


def test_a_killed_supervisor_comes_back_by_up_with_one_of_each(platform: Loop) -> None:
    (daemon,) = supervisors(platform.home)
    kept = json.loads((platform.home / "ports.json").read_text())
    daemon.kill()
    platform.cli("up")
    platform.assert_one_of_each()
    assert json.loads((platform.home / "ports.json").read_text()) == kept, "addresses outlive processes"
    assert platform.predict()["version"] == "1"


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        (EventKind.EFFECT, "::foundation-supervisor"),
        (EventKind.RECORDED, "::experiment-tracking-server"),
        (EventKind.EFFECT, "::experiment-tracking-server"),
    ],
)
def test_up_killed_while_it_mends_everything_is_made_good_by_the_next(
    platform: Loop, kind: EventKind, resource: str
) -> None:
    versions = platform.shown("versions", "--json")
    for process in processes(platform.home):
        process.kill()
    run(platform.blueprint, "up", (kind, resource, ""))
    carry_out(platform.blueprint, "up")
    platform.assert_one_of_each()
    assert platform.predict()["version"] == "1"
    assert platform.shown("versions", "--json") == versions


def test_a_second_version_is_released_and_the_first_may_never_serve_again(platform: Loop) -> None:
    first = platform.predict()["predictions"]
    platform.cli("run", MODEL, "-p", "learning_rate=0.08", "-p", "iterations=120")
    assert platform.predict()["version"] == "1", "nothing is released by training"
    newest, oldest = platform.shown("versions", MODEL, "--json")[MODEL]
    assert (newest["number"], oldest["number"]) == (2, 1)
    assert newest["lineage"]["parameter.learning_rate"] == "0.08"
    assert newest["lineage"]["mlops_stacks.dataset_version"] == oldest["lineage"]["mlops_stacks.dataset_version"]
    platform.cli("release", MODEL, "2")
    assert platform.predict()["version"] == "1", "nothing is served before `up`"
    platform.cli("up")
    second = platform.predict()
    assert second["version"] == "2"
    assert second["predictions"] != first
    platform.assert_one_of_each()

    platform.cli("reject", MODEL, "1", "--reason", "it was found out")
    pinned = {**BLUEPRINT, "models": {MODEL: {**BLUEPRINT["models"][MODEL], "release": 1}}}
    platform.blueprint.write_text(yaml.safe_dump(pinned, sort_keys=False))
    refused = cli(platform.blueprint, "up")
    platform.blueprint.write_text(yaml.safe_dump(BLUEPRINT, sort_keys=False))
    assert refused.returncode == 1
    sentence = " ".join(refused.stderr.split())
    assert f"version 1 of {MODEL}, which dev is to serve, was rejected (it was found out)" in sentence
    assert "Traceback" not in sentence
    assert cli(platform.blueprint, "release", MODEL, "1").returncode == 1
    assert platform.predict()["version"] == "2"
    assert {event.kind for event in carry_out(platform.blueprint, "up")} == {EventKind.UNCHANGED}


def test_destroy_leaves_no_process_port_socket_or_file(platform: Loop) -> None:
    ports = [port for _, port in listening(processes(platform.home))]
    assert len(ports) == 3
    run(platform.blueprint, "destroy", (EventKind.EFFECT, "::experiment-tracking-server", "delete"))
    platform.cli("destroy", "--yes")
    assert picture(platform.home) == Picture()
    assert supervisors(platform.home) == []
    assert not any(is_taken(port) for port in ports)
