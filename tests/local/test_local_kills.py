"""Killed anywhere, the next run converges: by live processes, ports and files, not only by the state."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from test_local_components import destroy, platform, up, web

from mlops_components.local.programs import is_healthy
from mlops_components.spec.marked import marked

CHILD = Path(__file__).with_name("local_child.py")


def start(home: Path, action: str, greeting: str = "hello", kill_at: int = -1) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), str(home), action, greeting, str(kill_at)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def events(home: Path, action: str, greeting: str = "hello") -> int:
    output, _ = start(home, action, greeting).communicate(timeout=60)
    return int(output)


def assert_one_of_each(home: Path, greeting: str) -> None:
    conf = str(home / "dev" / "supervisor" / "supervisord.conf")
    assert len([p for p in psutil.process_iter(["cmdline"]) if conf in (p.info["cmdline"] or [])]) == 1
    result = up(home, platform(home, greeting))
    assert (result.created, result.updated, result.replaced, result.deleted) == ((), (), (), ())
    assert is_healthy(result.outputs["url"])
    (server,) = web(home)
    assert server.environ()["MLOPS_STACKS_DIGEST"]
    assert json.loads((home / "dev" / "web.json").read_text())["greeting"] == greeting
    assert len(json.loads((home / "ports.json").read_text())) == 2


def assert_nothing(home: Path) -> None:
    assert marked(lambda value: value.startswith(str(home))) == []
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert not (home / "dev").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_any_event_the_next_run_converges(home: Path) -> None:
    creating, updating = events(home, "up"), events(home, "up", "good morning")
    destroying = events(home, "destroy")
    for kill_at in range(0, creating, 2):  # every second one: the executor's own tests are killed at each
        assert start(home, "up", kill_at=kill_at).wait(timeout=60) == -9
        up(home, platform(home))
        assert_one_of_each(home, "hello")
        assert start(home, "destroy", kill_at=kill_at // 2 % destroying).wait(timeout=60) == -9
        destroy(home)
        assert_nothing(home)
    for kill_at in range(updating):
        up(home, platform(home))
        assert start(home, "up", "good morning", kill_at=kill_at).wait(timeout=60) == -9
        up(home, platform(home, "good morning"))
        assert_one_of_each(home, "good morning")
    destroy(home)
    assert_nothing(home)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_killed_at_any_moment_the_next_run_converges(home: Path, seed: int) -> None:
    moments = random.Random(seed)
    for action in ("up", "up", "destroy"):
        process = start(home, action)
        time.sleep(moments.uniform(0.2, 1.2))
        process.kill()
        process.wait()
    up(home, platform(home))
    assert_one_of_each(home, "hello")
    destroy(home)
    assert_nothing(home)
