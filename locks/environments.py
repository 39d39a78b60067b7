"""The environments of a checkout: which locks there are, and how `.venv` and its neighbours are brought to them.

Only the standard library is used, and only what Debian's split Python has: `venv` may lack `ensurepip` there, and
installing outside a virtual environment may be forbidden.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
ENVIRONMENT = ROOT / ".venv"
TOOLS = ROOT / ".venvs" / "tools"
STAMP = ".mlops-stacks-lock"

PYTHON = getattr(sys, "_base_executable", None) or sys.executable
"""The interpreter outside any virtual environment: the one we run in may be the one to be rebuilt."""

NOT_FOR_CHILDREN = (
    "CONDA_PREFIX",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONDONTWRITEBYTECODE",  # without compiled bytecode imports take five times as long
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)


Command = Sequence["str | Path"]


class Stopped(Exception):  # noqa: N818 - the message is for a person
    """Nothing more can be done; the message says why, and what to do, in a sentence."""


@dataclass(frozen=True)
class Lock:
    """A set of pinned packages, for one purpose."""

    name: str
    arguments: tuple[str, ...]
    """What `uv pip compile` is given: extras, groups, constraints."""
    source: str = "pyproject.toml"

    @property
    def file(self) -> Path:
        """Where it is committed."""
        return LOCKS / f"{self.name}.txt"


TOOLS_LOCK = Lock("tools", (), "locks/tools.in")
LARGER = ("--extra=features", "--extra=workbench", "--extra=drift", "--extra=ci")
DEV = Lock(
    "dev",
    ("--extra=local", *LARGER, "--extra=aws", "--extra=aws-runtime", "--group=example", "--group=dev", "--group=build"),
)
# Constrained by the larger lock: what passed the tests is what a newcomer gets, and one environment serves both.
LOCAL = Lock("local", ("--extra=local", "--group=example", "--group=build", "--constraints=locks/dev.txt"))
FULL = Lock("local-full", (*LOCAL.arguments, *LARGER))
# Tools that the tests start, each in an environment of its own: they pin older versions, or are large.
APART = (
    Lock("policies", (), "policies/requirements.txt"),
    Lock("cfn-lint", (), "locks/cfn-lint.in"),
    Lock("aws-emulator", (), "locks/aws-emulator.in"),
    Lock("ci-files", (), "locks/ci-files.in"),
)
ALL_LOCKS = (TOOLS_LOCK, DEV, LOCAL, FULL, *APART)


def say(text: str) -> None:
    """Show progress at once, also where the output goes to a file."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, and tell how long it took."""
    say(f"── {title}")
    began = time.monotonic()
    yield
    say(f"   done in {time.monotonic() - began:.1f} s")


# ── processes ──


def child_environment() -> dict[str, str]:
    """The environment of what we start: without what would lead packages or bytecode elsewhere."""
    environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_CHILDREN}
    if "PIP_CERT" in environment:
        environment.setdefault("SSL_CERT_FILE", environment["PIP_CERT"])
    if "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    return environment


def call(command: Command, *, limit: float | None = None, **extra: str) -> int:
    """Run a command in the checkout and give back its exit code; past `limit` seconds it is ended."""
    process = subprocess.Popen(
        [str(part) for part in command], cwd=ROOT, env={**child_environment(), **extra}, start_new_session=True
    )
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        say(f"   still running after {limit:.0f} s, so it is ended")
        return 124
    finally:
        if process.poll() is None:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children: as Ctrl-C would, so that tests clean up, and by force half a minute later."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(30)
            return


def must(command: Command, otherwise: str) -> None:
    """Run a command, or stop with a sentence."""
    if call(command) != 0:
        raise Stopped(otherwise)


# ── environments ──


def bin_of(environment: Path, program: str) -> Path:
    """A program of an environment."""
    return environment / "bin" / program


def fingerprint(*files: Path) -> str:
    """What an environment depends on: these files, the interpreter, and where the checkout is."""
    digest = hashlib.sha256(f"{sys.version}\0{PYTHON}\0{ROOT}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def has_stamp(environment: Path, *stamps: str) -> bool:
    """Whether an environment was completed from one of these."""
    stamp = environment / STAMP
    return stamp.is_file() and stamp.read_text().strip() in stamps and bin_of(environment, "python").exists()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep two runs from building the same environments at once; the second waits."""
    TOOLS.parent.mkdir(exist_ok=True)
    with (TOOLS.parent / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("   another run is preparing the environment; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def pip_for(environment: Path) -> Command:
    """A pip that installs into an environment which has none of its own."""
    python = bin_of(environment, "python")
    if importlib.util.find_spec("pip"):
        return [PYTHON, "-m", "pip", "--python", python]
    if importlib.util.find_spec("ensurepip") and call([python, "-m", "ensurepip", "--default-pip"]) == 0:
        return [python, "-m", "pip"]
    raise Stopped(
        f"{PYTHON} has no pip; install it (on Debian and Ubuntu: `apt install python3-pip`) and run this again"
    )


def prepare_tools() -> Path:
    """The uv of this checkout, in an environment of its own."""
    stamp = fingerprint(TOOLS_LOCK.file)
    if not has_stamp(TOOLS, stamp):
        with step("Installing uv, which installs the rest"):
            must(
                [PYTHON, "-m", "venv", "--clear", "--without-pip", TOOLS],
                f"{PYTHON} cannot make virtual environments; on Debian and Ubuntu: `apt install python3-venv`",
            )
            must(
                [*pip_for(TOOLS), "install", "--quiet", "--require-hashes", "--requirement", TOOLS_LOCK.file],
                "uv could not be installed; the lines above say why (is the package index within reach?)",
            )
            (TOOLS / STAMP).write_text(stamp)
    return bin_of(TOOLS, "uv")


def install(environment: Path, lock: Lock) -> None:
    """Make an environment from a lock, with compiled bytecode; one that somebody else made is only added to."""
    uv = prepare_tools()
    ours = (environment / STAMP).exists()
    if ours or not bin_of(environment, "python").exists():
        must([uv, "venv", "--quiet", "--clear", "--python", PYTHON, environment], f"{environment} could not be made")
    (environment / STAMP).unlink(missing_ok=True)
    into: Command = [uv, "pip", "install", "--python", bin_of(environment, "python"), "--compile-bytecode"]
    must(
        [*into, "--require-hashes", "--requirement", lock.file],
        f"the packages of {lock.file.relative_to(ROOT)} could not be installed; the lines above say why",
    )


def prepare(lock: Lock) -> None:
    """Bring `.venv` to a lock; nothing happens if it is there already."""
    sizes = (LOCAL, FULL, DEV)
    stamps = {each.name: fingerprint(each.file, ROOT / "pyproject.toml") for each in sizes}
    with one_at_a_time():
        # All that is in a lock is in the larger ones, in the same versions.
        if has_stamp(ENVIRONMENT, *(stamps[each.name] for each in sizes[sizes.index(lock) :])):
            return
        with step(f"Installing the packages of locks/{lock.name}.txt into .venv"):
            install(ENVIRONMENT, lock)
            python = bin_of(ENVIRONMENT, "python")
            into: Command = [prepare_tools(), "pip", "install", "--quiet", "--python", python]
            must(
                [*into, "--no-deps", "--no-build-isolation", "--editable", ROOT],
                "mlops-stacks itself could not be installed; the lines above say why",
            )
            call([python, "-m", "compileall", "-q", ROOT / "src", ROOT / "components", ROOT / "examples"])
            (ENVIRONMENT / STAMP).write_text(stamps[lock.name])


def prepare_apart(lock: Lock) -> None:
    """Bring `.venvs/<lock>` to a lock."""
    environment, stamp = TOOLS.parent / lock.name, fingerprint(lock.file)
    with one_at_a_time():
        if not has_stamp(environment, stamp):
            with step(f"Installing the packages of locks/{lock.name}.txt into .venvs/{lock.name}"):
                install(environment, lock)
                (environment / STAMP).write_text(stamp)
