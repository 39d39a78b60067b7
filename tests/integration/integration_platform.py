"""What the integration tests share: small real projects, what of them is alive and on disk, and their clean end."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import yaml

from mlops_components.local.supervision import Home
from mlops_components.spec.marked import MARKER, end, environment_value, marked
from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.embedded.state import decode
from mlops_stacks.executors.events import Event, Observer, ignore
from mlops_stacks.operations import deploying
from mlops_stacks.operations.http import NoAnswerError, request
from mlops_stacks.operations.opening import open_project
from mlops_stacks.project import Project

EXAMPLE = Path(__file__).parents[2] / "examples" / "flight_delay"
FLIGHT: dict[str, Any] = json.loads((EXAMPLE / "flight.json").read_text())

TINY_WORKLOAD = '''
"""A workload that reports what its steps see, and trains nothing."""

import json
import os
import os
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from mlops_stacks.runtime.workload import Column


class Tiny:
    parameters = {"seen_in": ""}
    inputs = (Column("x", "integer"),)
    label = "y"
    segments = ()
    time = None

    def schemas(self):
        return {"rows": pa.DataFrameSchema({"x": pa.Column(int)})}

    def extract(self, context):
        seen = {name: os.environ[name] for name in sorted(os.environ) if name.startswith("TINY_")}
        if context.parameters["seen_in"]:
            Path(context.parameters["seen_in"]).write_text(json.dumps(seen))
        return {"rows": pd.DataFrame({"x": [1, 2, 3]})}

    def prepare(self, context, tables):
        raise ValueError("there is nothing to prepare")

    def train(self, context, rows):
        raise ValueError("there is nothing to train")

    def evaluate(self, context, rows, predictions):
        raise ValueError("there is nothing to evaluate")


workload = Tiny()
'''

CHEAP: dict[str, Any] = {
    "schema_version": 1,
    "name": "cheap",
    "platform": "local",
    "lifecycle": "delete",
    "environments": {"dev": {}},
    "stages": ["foundation", "training_pipeline"],
    "workload": {"entry_point": "tiny:workload", "path": "."},
    "models": {"tiny": {"pipeline": {"schedule": {"cron": "0 3 1 1 *"}}}},
}
"""A supervisor and a scheduler: real processes that start in a second."""


def write_project(folder: Path, document: Mapping[str, Any]) -> Path:
    """A project with the tiny workload; returns its blueprint."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.py").write_text(TINY_WORKLOAD)
    blueprint = folder / "blueprint.yaml"
    blueprint.write_text(yaml.safe_dump(dict(document), sort_keys=False))
    return blueprint


def opened(blueprint: Path) -> Project:
    """The project of a blueprint, with its releases."""
    return open_project(blueprint, blueprint.parent)


def executor_of(project: Project, observer: Observer = ignore) -> EmbeddedExecutor:
    """The executor that the commands use for it."""
    chosen = deploying.executor_for(project, deploying.ExecutorChoice.AUTO, observer)
    assert isinstance(chosen, EmbeddedExecutor)
    return chosen


def carry_out(blueprint: Path, action: str, observer: Observer = ignore) -> list[Event]:
    """`up` or `destroy`, in this process; returns the events."""
    events: list[Event] = []

    def observe(event: Event) -> None:
        events.append(event)
        observer(event)

    project = opened(blueprint)
    verb = {"up": deploying.up, "destroy": deploying.destroy}[action]
    for _ in verb(project, executor_of(project, observe)):
        pass
    return events


def processes(home: Path) -> list[psutil.Process]:
    """Every living process that was started below a home, the supervisor included."""
    return marked(lambda value: value.startswith(f"{home}/"))


def supervisors(home: Path) -> list[psutil.Process]:
    """The living supervisors of a home, by their command line."""
    configuration = str(Home(home / "shared" / "supervisor").configuration)
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if configuration in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def end_everything(folder: Path) -> None:
    """End whatever was started below a folder; the safety net of a test that failed."""
    left = marked(lambda value: value.startswith(str(folder)))
    assert end(left) == []


def program_of(process: psutil.Process) -> str:
    """Name of the program that a process belongs to; empty where it is gone by now."""
    return (environment_value(process, MARKER) or "#").rsplit("#", 1)[1]


def heads(found: list[psutil.Process]) -> list[psutil.Process]:
    """Those that no other process of the same program started: one for each life of a program.

    The others are its workers, and helpers that are gone a moment later.
    """
    programs = {process.pid: program_of(process) for process in found}
    first = []
    for process in found:
        with suppress(psutil.NoSuchProcess):
            if programs[process.pid] not in ("", programs.get(process.ppid())):
                first.append(process)
    return first


def head_pids(home: Path) -> set[int]:
    """Identifiers of the heads of every program of a home."""
    return {process.pid for process in heads(processes(home))}


def listening(found: list[psutil.Process]) -> set[tuple[str, int]]:
    """Address and port of every socket on which processes listen."""
    sockets = set()
    for process in found:
        # A program may start helpers that are gone a moment later.
        with suppress(psutil.NoSuchProcess):
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    sockets.add((connection.laddr.ip, connection.laddr.port))
    return sockets


def is_taken(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Picture:
    """What there is of a platform: how many processes of each program, sockets, files with a hash of what they say."""

    programs: Mapping[str, int] = field(default_factory=dict)
    supervisors: int = 0
    sockets: frozenset[tuple[str, int]] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)


def picture(home: Path) -> Picture:
    """The present picture of a home."""
    found = processes(home)
    return Picture(
        programs=dict(Counter(map(program_of, heads(found)))),
        supervisors=len(supervisors(home)),
        sockets=frozenset(listening(found)),
        files={str(path.relative_to(home)): _said_by(path) for path in sorted(home.rglob("*")) if not path.is_dir()},
    )


def settled(home: Path, expected: Picture | None = None) -> Picture:
    """The picture, as soon as it is the expected one and at the latest in 20 seconds.

    The scheduler writes what it remembers a moment after it has begun to run.
    """
    deadline = time.monotonic() + 20
    while True:
        seen = picture(home)
        there = "dev/artifacts/runs/tiny/.schedule.json" in seen.files if expected is None else seen == expected
        if there or time.monotonic() > deadline:
            return seen
        time.sleep(0.05)


def _said_by(path: Path) -> str:
    """A hash of what must be the same in every run; of what is a log, a moment or chance, only that it is there."""
    if path.suffix in {".log", ".pid", ".lock", ".bak"} or path.name == ".schedule.json":
        return "there"
    content = path.read_bytes()
    if path.parent.name == "state" and path.suffix == ".json":
        try:
            state = decode(content)
        except ValueError:
            return "damaged"
        known = {urn: entry.inputs.values for urn, entry in state.resources.items()}
        said = [known, state.outputs.values if state.outputs else None]
        return f"{json.dumps(said, sort_keys=True)} {state.pending} {state.doomed}"
    return hashlib.sha256(re.sub(rb'(password"?[=:] ?"?)[0-9a-f]+', rb"\1", content)).hexdigest()


def cli(
    blueprint: Path, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """`mlops-stacks …` for a blueprint, in a process and a wide terminal of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mlops_stacks.cli.main", *arguments],
        cwd=blueprint.parent,
        env={**os.environ, "COLUMNS": "600", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


@dataclass
class Platform:
    """A project that is up and serves a model of flights, and how many of these it was asked about."""

    blueprint: Path
    model: str
    asked: int = 0

    @property
    def home(self) -> Path:
        """Where everything of it is."""
        return opened(self.blueprint).home

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that must go well."""
        done = cli(self.blueprint, *arguments, timeout=200)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def shown(self, *arguments: str) -> Any:
        """What a command prints as JSON."""
        return json.loads(self.cli(*arguments).stdout)

    @cached_property
    def endpoint(self) -> str:
        """The server's address, which outlives its processes and versions."""
        return str(self.shown("outputs", f"serving.endpoints.{self.model}", "--json"))

    def post(self, path: str, body: Any) -> Any:
        """What the server answers."""
        answer = request(f"{self.endpoint}{path}", body, seconds=30)
        assert answer.ok, answer.json()
        self.asked += 1
        return answer.json()

    def predict(self) -> dict[str, Any]:
        """The prediction for one flight."""
        answer: dict[str, Any] = self.post("/predict", {"instances": [FLIGHT]})
        return answer


def answers(address: str) -> bool:
    """Whether a server says that it is ready."""
    try:
        return request(f"{address}/v2/health/ready", seconds=2).ok
    except NoAnswerError:
        return False
