"""One supervisord for a blueprint on this machine: started, found again, spoken to, ended.

It is recognised by its command line, which names its configuration file and which no reused process identifier can
fake. It listens on 127.0.0.1 behind a random password that only the user can read. Paths in
its configuration are relative to its folder, because supervisord gives `%`, `;` and `#` in paths a meaning.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_components.local.folders import file_state, make_folder, remove_file, remove_folder, sha256, write_file
from mlops_components.local.ports import HOST, refuse_stranger
from mlops_components.local.problems import LocalPlatformError
from mlops_components.spec.marked import MARKER, end, marked, marker

if TYPE_CHECKING:
    import psutil

_USER = "mlops-stacks"
_START_SECONDS = 20.0
_STOP_SECONDS = 25.0

_CONFIGURATION = """\
[supervisord]
logfile=logs/supervisord.log
logfile_maxbytes=1MB
logfile_backups=2
pidfile=supervisord.pid
childlogdir=logs
nocleanup=true
umask=077

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[inet_http_server]
port={host}:{port}
username={user}
password={password}

[include]
files=programs/*.conf
"""


class UnreachableError(Exception):
    """No supervisor answers in a folder; it was never started, or it died."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of a supervisor and what lies where in it."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """What supervisord reads; also what tells our supervisord from others."""
        return self.folder / "supervisord.conf"

    @property
    def access(self) -> Path:
        """Port and password, readable by the user alone."""
        return self.folder / "access.json"

    @property
    def programs(self) -> Path:
        """One `.conf` and one `.json` for each program."""
        return self.folder / "programs"

    @property
    def logs(self) -> Path:
        """One log for each program, rotated, and supervisord's own."""
        return self.folder / "logs"

    def is_ours(self, value: str) -> bool:
        """Whether a process with this marker was started below this supervisor."""
        return value.startswith(marker(str(self.folder), ""))


class _Transport(xmlrpc.client.Transport):
    """A transport that gives up: a reused or silent connection would otherwise hang for ever."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def make_connection(self, host: Any) -> HTTPConnection:
        """Open a connection that waits no longer than the time limit."""
        connection = super().make_connection(host)
        connection.timeout = self._timeout
        return connection


def call(home: Home, method: str, *arguments: Any, timeout: float = 30.0) -> Any:
    """Call `method` of the supervisor's interface, over a connection of its own.

    Raises `UnreachableError` when nobody answers within `timeout` seconds, and `xmlrpc.client.Fault` when the
    supervisor refuses.
    """
    try:
        access = json.loads(home.access.read_text(encoding="utf-8"))
        address = f"http://{_USER}:{access['password']}@{HOST}:{int(access['port'])}/RPC2"
        with xmlrpc.client.ServerProxy(address, transport=_Transport(timeout)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
    except (OSError, ValueError, KeyError, HTTPException, xmlrpc.client.ProtocolError) as error:
        raise UnreachableError(f"No supervisor answers in {home.folder}.") from error


def find(home: Home) -> "psutil.Process | None":
    """The running supervisord of this folder."""
    import psutil

    wanted = str(home.configuration)
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if (
                wanted in command
                and any("supervisord" in part for part in command[:4])
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                return process
        except psutil.Error:
            continue
    return None


def ensure(home: Home, port: int) -> "psutil.Process":
    """Have exactly one supervisord in `home`, listening on `port`; returns it once it answers."""
    _refuse_patterns(home)
    for folder in (home.folder, home.programs, home.logs):
        make_folder(folder)
    changed = _configure(home, port)
    process = find(home)
    if process is not None and changed:
        stop(home)
        process = None
    if process is None:
        # Without a supervisor whatever carries its mark is an orphan, and would run twice in a moment.
        end(marked(home.is_ours))
        refuse_stranger(port, f"the supervisor in {home.folder}", marker(str(home.folder), ""))
        _start(home)
    return _await_answer(home)


def is_configured(home: Home) -> bool:
    """Whether the configuration on disk is the one that was written for this supervisor."""
    try:
        access = json.loads(home.access.read_text(encoding="utf-8"))
        expected = _configuration(int(access["port"]), str(access["password"]))
    except (OSError, ValueError, KeyError):
        return False
    return file_state(home.configuration) == (sha256(expected), 0o600)


def answers(home: Home) -> bool:
    """Whether the supervisor answers now."""
    try:
        return bool(call(home, "getState", timeout=5.0)["statename"] == "RUNNING")
    except UnreachableError:
        return False


def stop(home: Home) -> None:
    """End the supervisor and everything that it started; nothing running is fine."""
    process = find(home)
    if process is not None:
        try:
            call(home, "shutdown")
        except (UnreachableError, xmlrpc.client.Fault):
            # It does not listen, or is shutting down already: ask it the way the kernel offers.
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        while find(home) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        remaining = find(home)
        end([remaining] if remaining is not None else [])
    end(marked(home.is_ours))


def remove(home: Home) -> None:
    """End the supervisor and remove its folder, logs included."""
    stop(home)
    remove_file(home.access)
    remove_folder(home.folder, with_contents=True)


def residue(home: Home) -> list[str]:
    """Sentences about what is left of a supervisor that should be gone."""
    left = [
        f"Process {process.pid} ({process.name()}), started below {home.folder}, still runs; end it by hand."
        for process in marked(home.is_ours)
    ]
    if home.folder.exists():
        left.append(f"The supervisor's folder {home.folder} is still there; delete it by hand.")
    return left


def _refuse_patterns(home: Home) -> None:
    if any(character in str(home.folder) for character in "[]*?\n"):
        raise LocalPlatformError(
            f"The folder {home.folder} has one of the characters []*? in its path, which supervisord takes for a "
            "pattern; move the project to a folder without them."
        )


def _configure(home: Home, port: int) -> bool:
    try:
        password = str(json.loads(home.access.read_text(encoding="utf-8"))["password"])
    except (OSError, ValueError, KeyError):
        password = secrets.token_hex(24)
    write_file(home.access, json.dumps({"password": password, "port": port}), 0o600)
    return write_file(home.configuration, _configuration(port, password), 0o600)


def _configuration(port: int, password: str) -> str:
    return _CONFIGURATION.format(host=HOST, port=port, user=_USER, password=password)


def _start(home: Home) -> None:
    # What Pulumi is given to decrypt state with is no business of programs that run for days.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment[MARKER] = marker(str(home.folder), "supervisord")
    try:
        result = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(home.configuration)],
            cwd=home.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LocalPlatformError(
            f"The supervisor in {home.folder} did not start within {_START_SECONDS:.0f} s; see {home.logs}."
        ) from error
    if result.returncode != 0:
        reason = " ".join((result.stderr or result.stdout).split()) or f"exit code {result.returncode}"
        raise LocalPlatformError(
            f"The supervisor in {home.folder} did not start: {reason}. Is the extra `local` installed?"
        )


def _await_answer(home: Home) -> "psutil.Process":
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if answers(home) and (process := find(home)):
            return process
        time.sleep(0.05)
    raise LocalPlatformError(
        f"The supervisor in {home.folder} runs but does not answer within {_START_SECONDS:.0f} s; "
        f"see {home.logs / 'supervisord.log'}."
    )
