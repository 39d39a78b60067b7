"""What may go wrong around `up` and `destroy`: each is one sentence that helps, and nothing is lost or left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import psutil
import pytest
from integration_platform import (
    CHEAP,
    Picture,
    carry_out,
    cli,
    end_everything,
    executor_of,
    opened,
    picture,
    processes,
    program_of,
    settled,
    write_project,
)

from mlops_stacks.executors.events import Event, EventKind

pytestmark = [pytest.mark.slow]

REFUSED, FAILED = 1, 3
"""Exit codes, as `mlops-stacks --help` explains them."""


@pytest.fixture
def blueprint(tmp_path: Path) -> Iterator[Path]:
    """A cheap project; whatever it started is ended."""
    yield write_project(tmp_path / "project", CHEAP)
    end_everything(tmp_path)


def home(blueprint: Path) -> Path:
    return opened(blueprint).home


def changed(blueprint: Path, **changes: Any) -> None:
    """Rewrite the blueprint; None takes a key away."""
    document = {**CHEAP, **changes}
    write_project(blueprint.parent, {key: value for key, value in document.items() if value is not None})


def refusal(blueprint: Path, *arguments: str, code: int) -> str:
    """The one sentence with which a command ends; a traceback is never one."""
    done = cli(blueprint, *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def kinds(events: list[Event]) -> set[EventKind]:
    return {event.kind for event in events}


@pytest.fixture
def stranger() -> Iterator[tuple[int, int]]:
    """A program of somebody else that listens: its port and process."""
    code = (
        "import socket, time\n"
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(s.getsockname()[1], flush=True)\n"
        "time.sleep(600)"
    )
    with Popen([sys.executable, "-c", code], stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
        process.kill()


# ── two at once ──


@contextmanager
def halted_up(blueprint: Path) -> Iterator[Popen[bytes]]:
    """An `up` that stands still in the middle of its work, and goes on at the end."""
    command = [sys.executable, "-m", "mlops_stacks.cli.main", "up"]
    with Popen(command, cwd=blueprint.parent, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL) as process:
        lock = home(blueprint) / "state" / "cheap-dev.lock"
        while not (lock.exists() and lock.read_text()):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGSTOP)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("command", [("up",), ("up", "--environment", "dev"), ("destroy", "--yes")], ids=" ".join)
def test_who_comes_while_an_up_is_under_way_is_refused_and_harms_nothing(
    blueprint: Path, command: tuple[str, ...]
) -> None:
    with halted_up(blueprint) as first:
        said = refusal(blueprint, *command, code=REFUSED)
    assert f"stack cheap-dev is in use by process {first.pid} since" in said
    assert "wait until it has ended" in said
    assert first.returncode == 0
    assert kinds(carry_out(blueprint, "up")) == {EventKind.UNCHANGED}
    assert picture(home(blueprint)).programs == {"supervisord": 1, "dev-scheduler": 1}


def test_of_two_ups_started_at_once_one_does_the_work(blueprint: Path) -> None:
    command = [sys.executable, "-m", "mlops_stacks.cli.main", "up"]
    both = [Popen(command, cwd=blueprint.parent, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, text=True) for _ in range(2)]
    ended = [(*process.communicate(timeout=60), process.returncode) for process in both]
    codes = sorted(code for *_, code in ended)
    assert codes in ([0, REFUSED], [0, 0]), "on a busy machine the second may begin when the first has ended"
    assert not [error for _, error, _ in ended if "Traceback" in error]
    assert kinds(carry_out(blueprint, "up")) == {EventKind.UNCHANGED}
    assert picture(home(blueprint)).programs == {"supervisord": 1, "dev-scheduler": 1}


# ── ports ──


def test_a_preferred_port_that_is_taken_is_named_with_who_has_it(blueprint: Path, stranger: tuple[int, int]) -> None:
    port, pid = stranger
    stages = {"foundation": {}, "experiment_tracking": {"port": port}, "training_pipeline": {}}
    changed(blueprint, stages=stages)
    said = refusal(blueprint, "up", code=FAILED)
    assert f"Port {port}" in said
    assert f"(process {pid})" in said
    assert "run `up` again" in said
    psutil.Process(pid).status()
    changed(blueprint)
    carry_out(blueprint, "up")
    carry_out(blueprint, "destroy")
    assert picture(home(blueprint)) == Picture()


def test_a_kept_port_that_a_stranger_took_meanwhile_is_named_and_not_given_up(blueprint: Path) -> None:
    carry_out(blueprint, "up")
    (daemon,) = (process for process in processes(home(blueprint)) if program_of(process) == "supervisord")
    kept = json.loads((home(blueprint) / "ports.json").read_text())
    daemon.kill()
    daemon.wait(10)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", kept["supervisor"]))
        stranger.listen()
        said = refusal(blueprint, "up", code=FAILED)
        assert f"Port {kept['supervisor']}, which is kept for the supervisor" in said
        assert f"(process {os.getpid()})" in said
    carry_out(blueprint, "up")
    assert json.loads((home(blueprint) / "ports.json").read_text()) == kept
    assert picture(home(blueprint)).programs == {"supervisord": 1, "dev-scheduler": 1}


# ── folders ──


def test_a_home_that_cannot_be_a_folder_is_a_sentence(blueprint: Path) -> None:
    (blueprint.parent / ".mlops-stacks").write_text("a file, where the platform's folder should be")
    for command in (("up",), ("destroy", "--yes"), ("status",), ("outputs",)):
        done = cli(blueprint, *command)
        assert "Traceback" not in done.stderr
        assert done.returncode != 0 or command == ("status",), done.stdout
    said = refusal(blueprint, "up", code=FAILED)
    assert f"{blueprint.parent / '.mlops-stacks'}" in said
    assert "cannot be written" in said
    assert (blueprint.parent / ".mlops-stacks").is_file()


def test_a_folder_inside_that_is_taken_by_a_file_is_a_sentence_and_mended(blueprint: Path) -> None:
    place = home(blueprint) / "dev"
    place.parent.mkdir(parents=True)
    place.write_text("somebody's file")
    said = refusal(blueprint, "up", code=FAILED)
    assert str(place) in said
    assert place.read_text() == "somebody's file"
    place.unlink()
    carry_out(blueprint, "up")
    assert picture(home(blueprint)).programs == {"supervisord": 1, "dev-scheduler": 1}


# ── a damaged state file ──


@pytest.mark.parametrize("damage", ["cut off", "a byte changed", "no JSON"])
def test_a_damaged_state_is_named_kept_aside_and_mended_as_the_sentence_says(blueprint: Path, damage: str) -> None:
    carry_out(blueprint, "up")
    whole = settled(home(blueprint))
    file = home(blueprint) / "state" / "cheap-dev.json"
    content = file.read_bytes()
    bad = {"cut off": content[:-40], "a byte changed": content.replace(b'"dev', b'"dew', 1), "no JSON": b"\0" * 100}[
        damage
    ]
    assert bad != content
    file.write_bytes(bad)
    for command in (("up",), ("destroy", "--yes"), ("up",)):
        said = refusal(blueprint, *command, code=REFUSED)
        assert str(file) in said
        assert "cheap-dev.json.corrupt-1" in said
        assert "copy cheap-dev.json.bak over cheap-dev.json" in said
        assert file.read_bytes() == bad, "a damaged file is never overwritten"
    assert [path.read_bytes() for path in file.parent.glob("*.corrupt-*")] == [bad]
    assert picture(home(blueprint)).programs == whole.programs, "nothing was touched"
    shutil.copyfile(file.with_name("cheap-dev.json.bak"), file)
    carry_out(blueprint, "up")
    file.with_name("cheap-dev.json.corrupt-1").unlink()
    assert settled(home(blueprint), whole) == whole
    carry_out(blueprint, "destroy")
    assert picture(home(blueprint)) == Picture()


# ── destroy from partial states ──


def test_destroy_before_any_up_has_nothing_to_do(blueprint: Path) -> None:
    assert carry_out(blueprint, "destroy") == []


def test_destroy_after_a_failed_up_leaves_nothing(blueprint: Path, stranger: tuple[int, int]) -> None:
    stages = {"foundation": {}, "experiment_tracking": {"port": stranger[0]}, "training_pipeline": {}}
    changed(blueprint, stages=stages)
    refusal(blueprint, "up", code=FAILED)
    assert picture(home(blueprint)).programs == {"supervisord": 1}
    assert cli(blueprint, "destroy", "--yes").returncode == 0
    assert picture(home(blueprint)) == Picture()


def test_destroy_of_what_somebody_has_half_removed_leaves_nothing(blueprint: Path) -> None:
    carry_out(blueprint, "up")
    for process in processes(home(blueprint)):
        process.kill()
    shutil.rmtree(home(blueprint) / "shared" / "supervisor")
    shutil.rmtree(home(blueprint) / "dev")
    (home(blueprint) / "ports.json").unlink()
    carry_out(blueprint, "destroy")
    assert picture(home(blueprint)) == Picture()


def test_of_a_platform_with_the_shared_scope_gone_the_rest_goes_too(blueprint: Path) -> None:
    carry_out(blueprint, "up")
    project = opened(blueprint)
    executor_of(project).destroy(project.identity("shared"))
    carry_out(blueprint, "destroy")
    assert picture(home(blueprint)) == Picture()


# ── what the blueprint no longer has ──


def test_what_a_removed_stage_had_goes_with_it(blueprint: Path) -> None:
    carry_out(blueprint, "up")
    changed(blueprint, stages=["foundation"], workload=None, models={})
    carry_out(blueprint, "up")
    left = picture(home(blueprint))
    assert left.programs == {"supervisord": 1}
    assert not [file for file in left.files if file.startswith("dev/pipelines") or "scheduler" in file]
    carry_out(blueprint, "destroy")
    assert picture(home(blueprint)) == Picture()


def test_what_a_removed_model_had_goes_with_it(blueprint: Path) -> None:
    two = {**CHEAP["models"], "other": {"pipeline": {"schedule": {"cron": "0 4 1 1 *"}}}}
    changed(blueprint, models=two)
    carry_out(blueprint, "up")
    assert "dev/pipelines/other.pipeline.json" in picture(home(blueprint)).files
    changed(blueprint)
    carry_out(blueprint, "up")
    seen = picture(home(blueprint))
    assert "dev/pipelines/other.pipeline.json" not in seen.files
    assert seen.programs == {"supervisord": 1, "dev-scheduler": 1}


# ── protection ──


def lifecycles(**by_scope: str) -> Mapping[str, Any]:
    return {"environments": {"dev": {"lifecycle": by_scope["dev"]}}, "lifecycle": by_scope["shared"]}


@pytest.mark.parametrize(("shared", "dev"), [("protect", "delete"), ("delete", "protect"), ("protect", "protect")])
def test_while_anything_is_protected_destroy_touches_nothing_and_names_it(
    blueprint: Path, shared: str, dev: str
) -> None:
    changed(blueprint, **lifecycles(shared=shared, dev=dev))
    carry_out(blueprint, "up")
    whole = settled(home(blueprint))
    said = refusal(blueprint, "destroy", "--yes", code=REFUSED)
    assert "foundation-artifacts" in said
    assert "protected" in said
    assert settled(home(blueprint), whole) == whole
    assert kinds(carry_out(blueprint, "up")) == {EventKind.UNCHANGED}
    changed(blueprint, **lifecycles(shared="delete", dev="delete"))
    carry_out(blueprint, "up")
    carry_out(blueprint, "destroy")
    assert picture(home(blueprint)) == Picture()


def test_what_is_retained_is_named_and_stays_and_nothing_else_does(blueprint: Path) -> None:
    changed(blueprint, lifecycle="retain")
    carry_out(blueprint, "up")
    (home(blueprint) / "dev" / "data" / "rows.csv").write_text("1,2,3")
    done = cli(blueprint, "destroy", "--yes")
    assert done.returncode == 0
    assert "foundation-data was kept" in done.stderr
    left = picture(home(blueprint))
    assert (left.programs, left.sockets) == ({}, frozenset())
    assert {Path(name).name for name in left.files} - {".schedule.json"} == {"rows.csv", ".mlops-stacks-owned"}
    changed(blueprint)
    carry_out(blueprint, "up")
    assert (home(blueprint) / "dev" / "data" / "rows.csv").read_text() == "1,2,3"
    carry_out(blueprint, "destroy")
    assert picture(home(blueprint)) == Picture()
