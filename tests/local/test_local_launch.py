"""The launcher: becomes the program it is told of, or says in one sentence why not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlops_components.spec.marked import DIGEST, MARKER, end, marked


def definition(folder: Path, command: list[str], **changes: Any) -> Path:
    path = folder / "program.json"
    content = {
        "marker": f"{folder}#program",
        "digest": "abc",
        "command": command,
        "environment": {"GREETING": "hello"},
        "directory": str(folder),
        **changes,
    }
    path.write_text(json.dumps(content))
    return path


def launch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlops_stacks.runtime.launch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_it_becomes_the_program(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), *(os.environ[n] for n in sys.argv[1:]))"
    result = launch(definition(tmp_path, ["python", "-c", code, "GREETING", MARKER, DIGEST]))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path} hello {tmp_path}#program abc\n"


def test_it_adds_little_to_the_start(tmp_path: Path) -> None:
    path = definition(tmp_path, ["/bin/true"])
    launch(path)
    started = time.monotonic()
    assert launch(path).returncode == 0
    assert time.monotonic() - started < 2.0


def test_it_ends_what_an_earlier_life_left_and_nothing_else(tmp_path: Path) -> None:
    def sleeper(marker: str) -> subprocess.Popen[bytes]:
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
        process = subprocess.Popen([sys.executable, "-c", code], env={MARKER: marker}, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    stale, other = sleeper(f"{tmp_path}#program"), sleeper(f"{tmp_path}#program-2")
    with stale, other:
        assert launch(definition(tmp_path, ["/bin/true"])).returncode == 0
        assert stale.wait(timeout=5) == -9
        assert other.poll() is None
        assert end([psutil.Process(other.pid)]) == []
    assert marked(lambda value: value.startswith(str(tmp_path))) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        ("{", "cannot be read"),
        ('{"marker": "x"}', "cannot be read"),
    ],
    ids=["missing", "damaged", "incomplete"],
)
def test_a_definition_that_cannot_be_read_is_a_sentence(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "program.json"
    if content is not None:
        path.write_text(content)
    result = launch(path)
    assert result.returncode == 70
    assert f"{path} {sentence}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    result = launch(definition(tmp_path, ["/bin/true"], directory=str(tmp_path / "gone")))
    assert result.returncode == 70
    assert "The program /bin/true cannot be started in" in result.stderr


def test_without_a_definition_it_says_how_it_is_used() -> None:
    result = launch()
    assert (result.returncode, result.stderr.split(":")[0]) == (64, "usage")
