"""One program under the supervisor: defined by two files, started once, watched, replaced, ended.

The truth about a running program is in its own environment, which holds the hash of the definition it was started
with. So a program that was started just before this process was killed is recognised, and one that runs an earlier
definition is replaced, whatever any record says.
"""

import json
import re
import shlex
import sys
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPException
from pathlib import Path
from typing import Any

from mlops_components.local.folders import file_state, remove_file, sha256, write_file
from mlops_components.local.ports import is_free, refuse_stranger
from mlops_components.local.problems import LocalPlatformError
from mlops_components.local.supervision import Home, UnreachableError, call
from mlops_components.spec.marked import DIGEST, end, environment_value, marked, marker

_CONFIGURATION = """\
[program:{name}]
command={python} -m mlops_stacks.runtime.launch programs/{name}.json
autostart=true
autorestart=true
startsecs={startsecs}
startretries=8
stopsignal=TERM
stopwaitsecs={stopwaitsecs}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups=3
"""

NAME = re.compile("[A-Za-z0-9_-]+")
"""What a program may be called."""

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 10.0
_ENDINGS_BEFORE_GIVING_UP = 3
_LOCAL_ONLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class State(StrEnum):
    """How a program is."""

    ABSENT = "absent"
    STOPPED = "stopped"
    STARTING = "starting"
    OUTDATED = "outdated"
    UNHEALTHY = "unhealthy"
    ALTERED = "altered"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a program: its state, for how many seconds it has run, and when it last ended (epoch)."""

    state: State
    uptime: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class Program:
    """What is to run, and how to tell that it does."""

    name: str
    home: Home
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    port: int | None
    health_url: str | None
    startup_seconds: float
    stop_seconds: int
    log_bytes: int
    watch: tuple[str, ...]

    @staticmethod
    def of(properties: Mapping[str, Any]) -> "Program":
        """The program that a resource's properties describe; the engine hands every number over as a float."""
        port = properties.get("port")
        return Program(
            name=properties["name"],
            home=Home(Path(properties["supervisor"])),
            command=tuple(properties["command"]),
            environment=dict(properties.get("environment") or {}),
            directory=properties["directory"],
            port=None if port is None else int(port),
            health_url=properties.get("health_url"),
            startup_seconds=float(properties["startup_seconds"]),
            stop_seconds=int(properties["stop_seconds"]),
            log_bytes=int(properties["log_bytes"]),
            watch=tuple(properties.get("watch") or ()),
        )

    @property
    def marker(self) -> str:
        """What its processes carry in their environment."""
        return marker(str(self.home.folder), self.name)

    @property
    def digest(self) -> str:
        """Changes when the program has to be started anew."""
        return sha256(json.dumps([self.command, self.environment, self.directory, self.watch], sort_keys=True))

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.home.logs / f"{self.name}.log"

    @property
    def files(self) -> dict[Path, str]:
        """Its definition for the launcher and its section for supervisord, by path."""
        definition = {
            "marker": self.marker,
            "digest": self.digest,
            "command": self.command,
            "environment": self.environment,
            "directory": self.directory,
        }
        section = _CONFIGURATION.format(
            name=self.name,
            python=shlex.quote(sys.executable).replace("%", "%%"),
            # A program with a health page may take long to load; ending before that is a failed start, not a life.
            startsecs=10 if self.health_url else 1,
            stopwaitsecs=self.stop_seconds,
            log_bytes=self.log_bytes,
        )
        return {
            self.home.programs / f"{self.name}.json": json.dumps(definition, indent=2, sort_keys=True) + "\n",
            self.home.programs / f"{self.name}.conf": section,
        }


def observe(program: Program) -> Observation:
    """How `program` is now. Waits for nothing but one answer of the supervisor and one of the health page."""
    try:
        found = call(program.home, "getProcessInfo", program.name)
    except UnreachableError:
        return Observation(State.ABSENT)
    except xmlrpc.client.Fault:
        return Observation(State.ABSENT)
    ended = float(found["stop"])
    if found["statename"] in {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}:
        return Observation(State.STOPPED, ended=ended)
    digest = _digest_of(int(found["pid"]))
    if found["statename"] not in {"STARTING", "RUNNING"} or digest is None:
        return Observation(State.STARTING, ended=ended)
    uptime = float(found["now"] - found["start"])
    if digest != program.digest:
        return Observation(State.OUTDATED, uptime, ended)
    if program.health_url is not None and not is_healthy(program.health_url):
        return Observation(State.UNHEALTHY, uptime, ended)
    if program.health_url is None and found["statename"] != "RUNNING":
        return Observation(State.STARTING, uptime, ended)
    return Observation(State.RUNNING, uptime, ended)


def inspect(program: Program) -> Observation:
    """Like `observe`, and notices files of the definition that were changed or removed."""
    seen = observe(program)
    if seen.state is State.RUNNING and any(
        file_state(path) != (sha256(content), 0o600) for path, content in program.files.items()
    ):
        return Observation(State.ALTERED, seen.uptime, seen.ended)
    return seen


def is_healthy(url: str) -> bool:
    """Whether the page at `url` answers with success within two seconds."""
    try:
        with _LOCAL_ONLY.open(url, timeout=2.0) as response:
            return bool(200 <= response.status < 300)
    except (OSError, HTTPException):
        return False


def ensure(program: Program) -> None:
    """Have exactly one life of `program` running as it is defined, and wait until it is healthy."""
    if program.port is not None and observe(program).state is not State.RUNNING:
        refuse_stranger(program.port, program.name, marker(str(program.home.folder), ""))
    try:
        _define(program)
        _Start(program).run()
    except UnreachableError as error:
        raise LocalPlatformError(
            f"No supervisor answers in {program.home.folder}, which {program.name} needs; run `up` again."
        ) from error


class _Start:
    """One attempt to get a program running within its time limit."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._deadline = time.monotonic() + program.startup_seconds
        # A server under load may answer late; only one that stays silent for a while hangs.
        self._silent_until = time.monotonic() + min(_PATIENCE_SECONDS, program.startup_seconds / 2)
        self._restarted = False
        self._started = False
        self._endings: set[float] = set()

    def run(self) -> None:
        """Nudge and wait until the program runs; raises one sentence when it does not."""
        first = observe(self._program)
        seen = first
        while seen.state is not State.RUNNING:
            if seen.ended > first.ended:
                self._endings.add(seen.ended)
            self._nudge(seen)
            if time.monotonic() > self._deadline:
                raise self._failure(f"is not ready after {self._program.startup_seconds:.0f} s ({seen.state})")
            time.sleep(_POLL_SECONDS)
            seen = observe(self._program)

    def _nudge(self, seen: Observation) -> None:
        if seen.state is State.OUTDATED or (self._hangs(seen) and not self._restarted):
            self._restarted = True
            _stop(self._program)
            _start(self._program)
            self._deadline = time.monotonic() + self._program.startup_seconds
        elif seen.state is State.ABSENT:
            _load(self._program)
        elif len(self._endings) >= _ENDINGS_BEFORE_GIVING_UP or (seen.state is State.STOPPED and self._started):
            raise self._failure("ends right after its start, again and again")
        elif seen.state is State.STOPPED:
            self._started = True
            _start(self._program)

    def _hangs(self, seen: Observation) -> bool:
        late = seen.uptime > self._program.startup_seconds and time.monotonic() > self._silent_until
        return seen.state is State.UNHEALTHY and late

    def _failure(self, what: str) -> LocalPlatformError:
        tail = " | ".join(tail_of(self._program.log, 5)) or "nothing"
        return LocalPlatformError(
            f"The program {self._program.name} {what}; see {self._program.log}, which ends with: {tail}"
        )


def remove(program: Program) -> None:
    """End `program` and remove its files; returns when its processes are gone and its port is free."""
    try:
        _stop(program)
        _call_tolerantly(program.home, "removeProcessGroup", program.name)
    except UnreachableError:
        # Nothing starts the program again without a supervisor; what it left behind is ended below.
        pass
    for path in program.files:
        remove_file(path)
    end(marked(lambda value: value == program.marker))
    deadline = time.monotonic() + 10.0
    while program.port is not None and not is_free(program.port) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for log in program.log.parent.glob(f"{program.name}.log*"):
        remove_file(log)


def residue(program: Program) -> list[str]:
    """Sentences about what is left of a program that should be gone."""
    left = [
        f"Process {process.pid} of the program {program.name} still runs; end it by hand."
        for process in marked(lambda value: value == program.marker)
    ]
    return left + [f"The file {path} is still there; delete it by hand." for path in program.files if path.exists()]


def tail_of(log: Path, lines: int) -> list[str]:
    """The last `lines` lines of a log that are not empty; none where there is no log."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 16_384))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-lines:]


def _define(program: Program) -> None:
    for path, content in program.files.items():
        write_file(path, content, 0o600)
    _load(program)


def _load(program: Program) -> None:
    """Make the supervisor know the section on disk, whichever one it knew before."""
    ((_, changed, _),) = call(program.home, "reloadConfig")
    if program.name in changed:
        _stop(program)
        _call_tolerantly(program.home, "removeProcessGroup", program.name)
    _call_tolerantly(program.home, "addProcessGroup", program.name)


def _start(program: Program) -> None:
    _call_tolerantly(program.home, "startProcess", program.name, False)


def _stop(program: Program) -> None:
    """Stop the program and wait until the supervisor has seen it end."""
    deadline = time.monotonic() + program.stop_seconds + 10.0
    _call_tolerantly(program.home, "stopProcess", program.name, False)
    while time.monotonic() < deadline:
        try:
            if not call(program.home, "getProcessInfo", program.name)["pid"]:
                return
        except xmlrpc.client.Fault:
            return
        time.sleep(0.05)


_HARMLESS = {10, 40, 50, 60, 70, 90}
"""Faults (supervisor.xmlrpc.Faults) after which the next look tells more: no such program, ended abnormally, spawn
error, started already, not running, added already."""


def _call_tolerantly(home: Home, method: str, *arguments: Any) -> None:
    try:
        call(home, method, *arguments)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode not in _HARMLESS:
            raise


def _digest_of(pid: int) -> str | None:
    import psutil

    try:
        return environment_value(psutil.Process(pid), DIGEST) if pid else None
    except psutil.NoSuchProcess:
        return None
