"""Our server beside `mlflow models serve`: the same model, the same row, the same machine, in turn.

Trains the flight-delay model once (15 s), then four servers run all the while, one process each, and are asked one
after the other, in an order that changes from round to round.

* `ours`               our server, keeping no requests
* `ours, capture`      the same, keeping every request and prediction
* `mlflow`             `mlflow models serve --env-manager local --workers 1`
* `mlflow, one thread` the same with the one setting that our server makes by itself and MLflow's does not

    .venv/bin/python benchmarks/serving.py                  prints the table of benchmarks/RESULTS-serving.md
    .venv/bin/python benchmarks/serving.py --rounds 3 --json
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from figures import Figure
from load import HOST

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "flight_delay"
CONNECTIONS = (1, 16)
ROUNDS = 7
REQUESTS = {1: 200, 16: 800}
WARM_UP = 100
PAIRS = (
    ("ours", "mlflow"),
    ("ours", "mlflow, one thread"),
    ("ours, capture", "mlflow, one thread"),
    ("ours, capture", "ours"),
)
SHOWN = {"p50_ms": ("p50", "ms"), "p99_ms": ("p99", "ms"), "requests_per_second": ("throughput", "requests/s")}
FIGURES = ("p50_ms", "p99_ms", "requests_per_second", "cpu_ms")
_READY_SECONDS = 90.0

Results = dict[tuple[str, int], list[dict[str, Any]]]


@dataclass(frozen=True)
class Server:
    """A server that runs, and what it is asked."""

    name: str
    port: int
    path: str
    body: Path
    process: int


class BenchmarkError(Exception):
    """Something did not work that must; the message says what."""


def train(folder: Path) -> Path:
    """Run the example's pipeline, untracked, and return the folder of the model."""
    workload = {"entry_point": "flight_delay.workload:workload", "path": str(EXAMPLE)}
    nothing = dict.fromkeys(("tracking_uri", "experiment", "registry_uri", "registered_model", "serving_version"))
    settings = {"blueprint": "benchmark", "environment": "dev", "model": "delay", "workload": workload, **nothing}
    settings |= {"parameters": {}, "acceptance": {}, "approval": "automatic"}
    settings_uri = _write(folder / "settings.json", settings).as_uri()
    run = folder / "runs" / "benchmark"
    for step in ("extract", "validate", "prepare", "train"):
        command = [sys.executable, "-m", "mlops_stacks.runtime", "step", step]
        subprocess.run(
            [*command, "--settings", settings_uri, "--run", run.as_uri()],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    return run / "model"


@contextmanager
def servers(model: Path, folder: Path) -> Iterator[list[Server]]:
    """Start the three servers; all are ready in the block and gone after it."""
    row = json.loads((EXAMPLE / "flight.json").read_text())
    ours, theirs = {"instances": [row]}, {"dataframe_records": [row]}
    with ExitStack() as stack:
        found = []
        for name, capture in (("ours", None), ("ours, capture", {"uri": folder.as_uri(), "sample_percent": 100})):
            slug = name.replace(", ", "-")
            port = free_port()
            settings = _write(folder / f"{slug}.json", _server_settings(model, port, capture))
            command = [sys.executable, "-m", "mlops_stacks.runtime", "serve", "--settings", settings.as_uri()]
            process = stack.enter_context(_started(command, folder / f"{slug}.log", port, "/v2/health/ready"))
            found.append(Server(name, port, "/predict", _write(folder / "ours-body.json", ours), process))
        for name, variables in (("mlflow", {}), ("mlflow, one thread", {"OMP_NUM_THREADS": "1"})):
            port = free_port()
            command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model), "--host", HOST]
            command += ["--port", str(port), "--env-manager", "local", "--workers", "1"]
            log = folder / f"{name.replace(', ', '-')}.log"
            process = stack.enter_context(_started(command, log, port, "/ping", **variables))
            found.append(Server(name, port, "/invocations", _write(folder / "mlflow-body.json", theirs), process))
        check_same_answer(found)
        yield found


def check_same_answer(found: list[Server]) -> None:
    """All must predict the same: a server that answers something else is no measure of speed."""
    answers = {server.name: _late(_ask(server)["predictions"][0]) for server in found}
    if max(answers.values()) - min(answers.values()) > 1e-9:
        raise BenchmarkError(f"the servers do not agree: {answers}")


def measure(found: list[Server], rounds: int) -> Results:
    """Ask each server in turn, `rounds` times, the order turned by one each time."""
    results: Results = {}
    for server in found:
        load(server, 1, WARM_UP)
    for number in range(rounds):
        for connections in CONNECTIONS:
            shift = number % len(found)
            for server in found[shift:] + found[:shift]:
                answer = load(server, connections, REQUESTS[connections])
                results.setdefault((server.name, connections), []).append(answer)
    return results


def load(server: Server, connections: int, requests: int) -> dict[str, Any]:
    """One run of the load generator, in a process of its own."""
    command = [sys.executable, str(ROOT / "benchmarks" / "load.py"), str(server.port), server.path, str(server.body)]
    command += ["--connections", str(connections), "--requests", str(requests)]
    before = cpu_seconds(server.process)
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    answer: dict[str, Any] = json.loads(done.stdout)
    answer["cpu_ms"] = 1000 * (cpu_seconds(server.process) - before) / answer["requests"]
    if set(answer["statuses"]) != {"200"} or answer["requests"] < connections:
        raise BenchmarkError(f"{server.name} answered {answer['statuses']} of {requests} requests")
    return answer


def cpu_seconds(process: int) -> float:
    """What a process and its children have computed so far: unlike times, hardly changed by what else runs here."""
    parent = psutil.Process(process)
    times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def summary(results: Results) -> dict[str, Any]:
    """Medians over the rounds, and the medians of the ratios within each round."""
    median = {
        f"{name} at {connections}": {
            figure: statistics.median(answer[figure] for answer in answers) for figure in FIGURES
        }
        for (name, connections), answers in results.items()
    }
    ratios = {}
    for connections in CONNECTIONS:
        for one, other in PAIRS:
            pairs = list(zip(results[one, connections], results[other, connections], strict=True))
            ratios[f"{one} / {other} at {connections}"] = {
                figure: statistics.median(a[figure] / b[figure] for a, b in pairs) for figure in FIGURES
            }
    return {"medians": median, "ratios": ratios, "rounds": len(next(iter(results.values())))}


def table(found: Mapping[str, Any]) -> str:
    """The summary in Markdown."""
    lines = ["| server | p50 | p99 | requests/s | CPU a request |", "| --- | --- | --- | --- | --- |"]
    for name, figures in found["medians"].items():
        cells = f"{figures['p50_ms']:.2f} ms | {figures['p99_ms']:.2f} ms | {figures['requests_per_second']:.0f}"
        lines.append(f"| {name} | {cells} | {figures['cpu_ms']:.2f} ms |")
    lines += ["", "| ratio | p50 | p99 | requests/s | CPU a request |", "| --- | --- | --- | --- | --- |"]
    for name, figures in found["ratios"].items():
        lines.append(f"| {name} | " + " | ".join(f"{figures[figure]:.2f}" for figure in FIGURES) + " |")
    return "\n".join(lines)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _server_settings(model: Path, port: int, capture: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "blueprint": "benchmark",
        "environment": "dev",
        "model": "delay",
        "version": "1",
        "model_uri": str(model),
        "tracking_uri": None,
        "registry_uri": None,
        "workload": {"entry_point": "flight_delay.workload:workload", "path": str(EXAMPLE)},
        "host": HOST,
        "port": port,
        "workers": 1,
        "capture": capture,
    }


def _write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


@contextmanager
def _started(command: list[str], log: Path, port: int, ready: str, **variables: str) -> Iterator[int]:
    """A process and its children, from the moment that it answers."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"  # mlflow's uvicorn
    # Our server sets this by itself. Without it MLflow's threads spin while they wait, and where other programs use
    # the machine as well it took 250 ms for a request instead of 20: a comparison of settings, not of servers.
    environment |= {"OMP_WAIT_POLICY": "PASSIVE", **variables}
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment, start_new_session=True)
    try:
        _wait(process, f"http://{HOST}:{port}{ready}", log)
        yield process.pid
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.wait(20)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise BenchmarkError(f"{url} does not answer; its log ends:\n{log.read_text()[-2000:]}")


def _ask(server: Server) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://{HOST}:{server.port}{server.path}", server.body.read_bytes(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        body: dict[str, Any] = json.load(answer)
    return body


def figures(rounds: int = ROUNDS) -> list[Figure]:
    """Each pair at each number of connections: the aim is to be ahead of MLflow on all, captured or not."""
    found = measured(None, rounds)
    rows = []
    for connections in CONNECTIONS:
        for one, other in PAIRS:
            ratios = found["ratios"][f"{one} / {other} at {connections}"]
            ours, theirs = (found["medians"][f"{name} at {connections}"] for name in (one, other))
            for figure, (name, unit) in SHOWN.items():
                ratio, is_aim = ratios[figure], other != "ours"
                ahead = ratio > 1 if figure == "requests_per_second" else ratio < 1
                rows.append(
                    Figure(
                        f"{one} at {connections}: {name}",
                        f"{ours[figure]:.1f} {unit}",
                        f"{other}: {theirs[figure]:.1f} {unit}",
                        ratio,
                        "ahead" if is_aim else "",
                        ahead if is_aim else None,
                    )
                )
    return rows


def measured(model: Path | None, rounds: int) -> dict[str, Any]:
    """Train unless there is a model, serve, and ask."""
    with tempfile.TemporaryDirectory(prefix="serving-benchmark-") as folder:
        chosen = model or train(Path(folder))
        with servers(chosen, Path(folder)) as found:
            return summary(measure(found, rounds))


def _late(prediction: Any) -> float:
    """MLflow answers with the probability of both classes."""
    return float(prediction[1] if isinstance(prediction, list) else prediction)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Our server beside `mlflow models serve`.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--model", type=Path, help="folder of a model that was trained before")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    found = measured(given.model, given.rounds)
    print(json.dumps(found, indent=2) if given.json else table(found))


if __name__ == "__main__":
    main()
