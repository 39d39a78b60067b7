"""What a newcomer does: clone, one command, a prediction. Nothing of this checkout or its environment is used."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration_platform import Picture, end_everything, head_pids, heads, picture, processes, program_of, supervisors

from mlops_stacks.operations.http import NoAnswerError, request

ROOT = Path(__file__).parents[2]
TEN_MINUTES = 600.0
CACHES = {"UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip"}
"""Variable -> folder below the user's cache. Packages that were downloaded before are not what this test is about."""
REACHES_PACKAGES = re.compile(r"(PIP|UV|SSL|REQUESTS|CURL)_.*|.*_PROXY|.*_proxy|LANG|TMPDIR")
"""How this machine reaches a package index is not what it is about either."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(2 * int(TEN_MINUTES)),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no git checkout, so there is nothing to clone"),
]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A clone of what is committed; whatever is started in it is ended."""
    folder = tmp_path / "mlops-stacks"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    yield folder
    end_everything(tmp_path)


def clean_environment(home: Path) -> dict[str, str]:
    """A new user's environment: no virtual environment, an empty home, and programs of the system only."""
    home.mkdir()
    own = {name: value for name, value in os.environ.items() if REACHES_PACKAGES.fullmatch(name)}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    caches = {name: os.environ.get(name) or str(cache / folder) for name, folder in CACHES.items()}
    virtual = os.environ.get("VIRTUAL_ENV")
    path = [
        part
        for part in os.environ["PATH"].split(os.pathsep)
        if not Path(part).is_relative_to(ROOT) and (virtual is None or not Path(part).is_relative_to(virtual))
    ]
    return {**own, **caches, "HOME": str(home), "PATH": os.pathsep.join(path)}


def commands_of_the_readme(clone: Path) -> tuple[list[str], list[str]]:
    """The command that starts everything and the one that takes it away, as `Try it` has them."""
    section = (clone / "README.md").read_text().split("## Try it", 1)[1].split("\n## ", 1)[0]
    start, destroy = re.findall(r"```sh\n(.+?)\n```", section, re.DOTALL)
    return shlex.split(start), shlex.split(destroy)


def carry_out(
    command: list[str], clone: Path, environment: dict[str, str], limit: float
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=clone, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def served(endpoint: str, flight: dict[str, Any]) -> dict[str, Any] | None:
    try:
        answer = request(f"{endpoint}/predict", {"instances": [flight]}, seconds=10)
    except NoAnswerError:
        return None
    return dict(answer.json()) if answer.ok else None


def test_a_newcomer_gets_predictions_from_one_command(clone: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    environment = clean_environment(tmp_path / "home")
    start, destroy = commands_of_the_readme(clone)
    assert len(start) <= 3, "one command, and a short one"
    carry_out(start, clone, environment, TEN_MINUTES - 60)
    program = [*destroy[: destroy.index("destroy")]]
    home = clone / "blueprints" / ".mlops-stacks" / "quickstart"

    outputs = json.loads(carry_out([*program, "outputs", "--json"], clone, environment, 60).stdout)
    (endpoint,) = outputs["serving"]["endpoints"].values()
    flight = json.loads((clone / "examples" / "flight_delay" / "flight.json").read_text())
    first = served(endpoint, flight)
    assert first is not None
    assert 0 < first["predictions"][0] < 1

    pids = head_pids(home)
    again = carry_out([*program, "up"], clone, environment, 60)
    assert not re.search(r"\b(created|updated|replaced|deleted)\b", again.stdout + again.stderr), again.stderr
    assert head_pids(home) == pids

    (server,) = (process for process in heads(processes(home)) if program_of(process).startswith("dev-serving"))
    os.kill(server.pid, signal.SIGKILL)
    server.wait(10)
    back = None
    while back is None and time.monotonic() - began < TEN_MINUTES:
        back = served(endpoint, flight)
        time.sleep(0.2)
    assert back is not None
    assert back["predictions"] == first["predictions"]
    (returned,) = (process for process in heads(processes(home)) if program_of(process).startswith("dev-serving"))
    assert returned.pid != server.pid

    carry_out(destroy, clone, environment, 60)
    assert picture(home) == Picture()
    assert supervisors(home) == []
    status = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert status.stdout == "", "what is not meant to be committed is ignored"
    assert time.monotonic() - began < TEN_MINUTES

    locks = clone / "blueprints" / "releases" / "quickstart"
    assert not locks.exists(), "they name versions of a registry that is gone"
    carry_out([*program, "up"], clone, environment, 60)
    assert "mlflow" in {program_of(process) for process in heads(processes(home))}, (
        "it goes on without a version to serve"
    )
    carry_out(destroy, clone, environment, 60)
    assert picture(home) == Picture()
