"""The supervisor and its programs, with real processes: started once, brought back, replaced, ended for good."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from local_helpers import listener, processes_of, web_program
from waiting import eventually

from mlops_components.local import programs, supervision
from mlops_components.local.ports import is_free, keep_port
from mlops_components.local.problems import LocalPlatformError
from mlops_components.local.providers import ProgramProvider, SupervisorProvider
from mlops_components.spec.marked import MARKER, marked

DAEMON, PROGRAM = SupervisorProvider(), ProgramProvider()


def answers(properties: dict[str, Any]) -> bool:
    return programs.is_healthy(properties["health_url"])


def changes(properties: dict[str, Any], news: dict[str, Any] | None = None) -> bool:
    """What an `up` would decide after looking."""
    outs = PROGRAM.read("id", properties).outs
    assert outs
    return bool(PROGRAM.diff("id", outs, news or properties).changes)


def daemons(home: Path) -> list[psutil.Process]:
    wanted = str(home / "shared" / "supervisor" / "supervisord.conf")
    return [p for p in psutil.process_iter(["cmdline"]) if wanted in (p.info["cmdline"] or [])]


def test_the_supervisor_is_started_once_and_listens_privately(home: Path, supervisor: dict[str, Any]) -> None:
    again = DAEMON.create(supervisor).outs
    assert again is not None
    assert (again["pid"], again["started"]) == (supervisor["pid"], supervisor["started"])
    assert len(daemons(home)) == 1
    access = home / "shared" / "supervisor" / "access.json"
    assert access.stat().st_mode & 0o777 == 0o600
    password = json.loads(access.read_text())["password"]
    assert password not in json.dumps(again)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://127.0.0.1:{int(supervisor['port'])}/RPC2", data=b"")
    assert not DAEMON.diff("id", DAEMON.read("id", supervisor).outs or {}, supervisor).changes


def test_a_program_is_started_once_with_its_environment_word_for_word(web: dict[str, Any]) -> None:
    (process,) = processes_of(web)
    assert PROGRAM.create(web).outs == web
    assert [p.pid for p in processes_of(web)] == [process.pid]
    assert not changes(web)
    assert Path(web["log"]).read_text().startswith("serving 50% off; really #1\n")
    assert process.cwd() == web["directory"]


def test_nothing_listens_beyond_this_machine(web: dict[str, Any], supervisor: dict[str, Any]) -> None:
    family = [psutil.Process(supervisor["pid"]), *psutil.Process(supervisor["pid"]).children(recursive=True)]
    addresses = {
        connection.laddr
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in addresses} == {"127.0.0.1"}
    assert {address.port for address in addresses} == {int(web["port"]), int(supervisor["port"])}


def test_a_killed_program_comes_back_by_itself(web: dict[str, Any]) -> None:
    (process,) = processes_of(web)
    process.kill()
    eventually(lambda: [p.pid for p in processes_of(web)] not in ([], [process.pid]) and answers(web))
    assert len(processes_of(web)) == 1


def test_after_the_supervisor_was_killed_everything_runs_exactly_once(
    home: Path, supervisor: dict[str, Any], web: dict[str, Any]
) -> None:
    (before,) = processes_of(web)
    os.kill(supervisor["pid"], signal.SIGKILL)
    eventually(lambda: processes_of(web) == [])  # the kernel ends what lost its parent
    assert not DAEMON.read("id", supervisor).id
    assert not PROGRAM.read("id", web).id
    DAEMON.create(supervisor)
    PROGRAM.create(web)
    (after,) = processes_of(web)
    assert after.pid != before.pid
    assert len(daemons(home)) == 1
    assert not changes(web)


def test_an_orphan_that_ignores_its_parents_death_is_ended_before_a_second_one_starts(
    home: Path, supervisor: dict[str, Any]
) -> None:
    stubborn = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import signal,time;"
        " signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)']); time.sleep(600)"
    )
    properties = web_program(home, "stubborn", command=["python", "-c", stubborn], port=None, health_url=None)
    PROGRAM.create(properties)
    eventually(lambda: len(processes_of(properties)) == 2)
    first = {p.pid for p in processes_of(properties)}
    os.kill(supervisor["pid"], signal.SIGKILL)
    DAEMON.create(supervisor)
    PROGRAM.create(properties)
    eventually(lambda: len(processes_of(properties)) == 2)
    second = {p.pid for p in processes_of(properties)}
    assert not first & second


def test_a_killed_parent_leaves_no_child_on_its_port(home: Path, supervisor: dict[str, Any]) -> None:
    # As a server does that hands its socket to a worker: the child holds the port.
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]]); time.sleep(600)"
    properties = web_program(home)
    properties["command"] = ["python", "-c", code, *properties["command"][2:]]
    PROGRAM.create(properties)
    parent, child = sorted(processes_of(properties), key=lambda p: p.ppid() != supervisor["pid"])
    parent.kill()
    eventually(lambda: not child.is_running() and len(processes_of(properties)) == 2 and answers(properties))


@pytest.mark.parametrize(
    "change",
    [{"watch": ["another hash"]}, {"environment": {"GREETING": "hello"}}],
    ids=["watched file", "environment"],
)
def test_a_change_of_what_counts_replaces_the_process(web: dict[str, Any], change: dict[str, Any]) -> None:
    (before,) = processes_of(web)
    news = {**web, **change}
    assert changes(web, news)
    assert PROGRAM.update("id", web, news).outs is not None
    (after,) = processes_of(web)
    assert after.pid != before.pid
    assert not changes(news)


def test_an_update_that_was_cut_off_before_its_restart_is_finished(web: dict[str, Any]) -> None:
    news = {**web, "watch": ["another hash"]}
    for path, content in programs.Program.of(news).files.items():
        path.write_text(content)
    (before,) = processes_of(web)
    PROGRAM.update("id", web, news)
    assert [p.pid for p in processes_of(web)] != [before.pid]


def test_a_changed_definition_on_disk_is_noticed_and_mended_without_a_restart(web: dict[str, Any]) -> None:
    (before,) = processes_of(web)
    definition = next(path for path in programs.Program.of(web).files if path.suffix == ".json")
    content = definition.read_text()
    definition.write_text("{}")
    assert changes(web)
    PROGRAM.update("id", web, web)
    assert definition.read_text() == content
    assert [p.pid for p in processes_of(web)] == [before.pid]


def test_a_new_section_is_taken_over_even_if_it_was_written_before_a_kill(web: dict[str, Any]) -> None:
    news = {**web, "stop_seconds": 6.0}
    section = next(path for path in programs.Program.of(news).files if path.suffix == ".conf")
    section.write_text(programs.Program.of(news).files[section])
    PROGRAM.update("id", web, news)
    home = supervision.Home(Path(web["supervisor"]))
    ((_, changed, _),) = supervision.call(home, "reloadConfig")
    assert changed == []
    assert len(processes_of(web)) == 1


def test_a_stopped_program_is_started_again(web: dict[str, Any]) -> None:
    supervision.call(supervision.Home(Path(web["supervisor"])), "stopProcess", "web")
    assert changes(web)
    PROGRAM.update("id", web, web)
    assert answers(web)


def test_a_program_that_hangs_is_restarted(home: Path, supervisor: dict[str, Any]) -> None:
    properties = web_program(home, startup_seconds=2.0)
    PROGRAM.create(properties)
    (before,) = processes_of(properties)
    eventually(lambda: time.time() - before.create_time() > 3.5)
    before.suspend()
    assert changes(properties)
    PROGRAM.update("id", properties, {**properties, "startup_seconds": 2.5})
    (after,) = processes_of(properties)
    assert after.pid != before.pid


def test_a_stranger_on_the_port_is_named_and_nothing_is_started(home: Path, supervisor: dict[str, Any]) -> None:
    with listener() as stranger:
        port = stranger.getsockname()[1]
        properties = web_program(home, port=float(port), health_url=f"http://127.0.0.1:{port}/")
        with pytest.raises(LocalPlatformError, match=rf"Port {port}, .* web, is taken by .*\(process {os.getpid()}\)"):
            PROGRAM.create(properties)
        assert processes_of(properties) == []


def test_a_stranger_on_the_supervisors_port_is_named(home: Path) -> None:
    with listener() as stranger:
        port = stranger.getsockname()[1]
        directory = str(home / "shared" / "supervisor")
        with pytest.raises(LocalPlatformError, match=rf"Port {port}, which is kept for the supervisor"):
            DAEMON.create({"directory": directory, "port": port, "state": "running"})


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["python", "-c", "raise SystemExit('no model here')"], r"again and again; see .*web\.log.*no model here"),
        (["no-such-program"], r"again and again; .*no-such-program cannot be started"),
    ],
)
def test_a_program_that_cannot_start_fails_with_the_end_of_its_log(
    home: Path, supervisor: dict[str, Any], command: list[str], said: str
) -> None:
    with pytest.raises(LocalPlatformError, match=said):
        PROGRAM.create(web_program(home, command=command))


def test_a_program_that_never_gets_ready_meets_its_time_limit(home: Path, supervisor: dict[str, Any]) -> None:
    properties = web_program(home, command=["python", "-c", "import time; time.sleep(99)"], startup_seconds=1.5)
    with pytest.raises(LocalPlatformError, match=r"web is not ready after 2 s \(unhealthy\)"):
        PROGRAM.create(properties)


def test_without_a_supervisor_a_program_says_what_it_misses(home: Path) -> None:
    with pytest.raises(LocalPlatformError, match=r"No supervisor answers in .*supervisor, which web needs"):
        PROGRAM.create(web_program(home))


def test_logs_rotate(home: Path, supervisor: dict[str, Any]) -> None:
    code = "import time\nfor n in range(5000): print('line', n, 'x' * 20, flush=True)\ntime.sleep(600)"
    properties = web_program(home, "talker", command=["python", "-c", code], port=None, health_url=None)
    outs = PROGRAM.create({**properties, "log_bytes": 20_000.0}).outs
    assert outs is not None
    log = Path(outs["log"])
    # The last line may be what filled a log up, and then stands in the one before.
    eventually(lambda: any("line 4999 " in path.read_text() for path in log.parent.glob("talker.log*")))
    sizes = [path.stat().st_size for path in log.parent.glob("talker.log*")]
    assert len(sizes) == 4
    assert max(sizes) < 40_000
    PROGRAM.delete("id", outs)
    assert list(log.parent.glob("talker.log*")) == []


def test_deletion_leaves_nothing_and_may_be_repeated(
    home: Path, supervisor: dict[str, Any], web: dict[str, Any]
) -> None:
    port = int(web["port"])
    other = PROGRAM.create(web_program(home, "other")).outs
    assert other is not None
    for _ in range(2):
        PROGRAM.delete("id", web)
        assert processes_of(web) == []
        assert is_free(port)
        assert PROGRAM.residue("id", web) == []
        assert not PROGRAM.read("id", web).id
    assert answers(other), "the neighbour is untouched"
    for _ in range(2):
        DAEMON.delete("id", supervisor)
        assert daemons(home) == []
        assert processes_of(other) == []
        assert is_free(int(supervisor["port"]))
        assert DAEMON.residue("id", supervisor) == []
        assert not DAEMON.read("id", supervisor).id
    assert not (home / "shared" / "supervisor").exists()
    PROGRAM.delete("id", other)


def test_deletion_ends_what_a_killed_supervisor_left(home: Path, supervisor: dict[str, Any]) -> None:
    deaf = home / "deaf"
    stubborn = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    )
    command = ["python", "-c", stubborn, str(deaf)]
    properties = web_program(home, "stubborn", command=command, port=None, health_url=None)
    PROGRAM.create(properties)
    deadline = time.monotonic() + 60
    while not deaf.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(supervisor["pid"], signal.SIGKILL)
    time.sleep(0.5)
    assert len(processes_of(properties)) == 1
    assert "still runs" in PROGRAM.residue("id", properties)[0]
    PROGRAM.delete("id", properties)
    assert processes_of(properties) == []
    DAEMON.delete("id", supervisor)
    assert marked(lambda value: value.startswith(str(home))) == []


def test_a_supervisor_whose_configuration_was_changed_is_started_anew(
    home: Path, supervisor: dict[str, Any], web: dict[str, Any]
) -> None:
    port = keep_port("another", home / "ports.json")
    outs = DAEMON.update("id", supervisor, {**supervisor, "port": float(port)}).outs
    assert outs is not None
    assert outs["pid"] != supervisor["pid"]
    assert len(daemons(home)) == 1
    eventually(lambda: answers(web))


def test_what_decrypts_state_does_not_reach_programs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "secret")
    port = keep_port("supervisor", home / "ports.json")
    outs = DAEMON.create({"directory": str(home / "shared" / "supervisor"), "port": port, "state": "running"}).outs
    assert outs is not None
    environment = psutil.Process(outs["pid"]).environ()
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment
    assert environment[MARKER].endswith("#supervisord")


def test_a_path_that_reads_as_a_pattern_is_refused(home: Path) -> None:
    with pytest.raises(LocalPlatformError, match=r"move the project"):
        DAEMON.create({"directory": str(home / "[draft]"), "port": 23456, "state": "running"})
