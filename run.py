#!/usr/bin/env python3
"""The one entry point of a fresh clone: needs Python 3.11 and pip, installs everything else into this folder.

    python3 run.py quickstart    a model trained on real data, served on this machine
    python3 run.py test          everything that CI runs
    python3 run.py lock          resolve the locks anew
    python3 run.py golden        rewrite the golden files of the tests

Only the standard library is used, and only what Debian's split Python has: `venv` may lack `ensurepip` there, and
installing outside a virtual environment may be forbidden.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:
    sys.exit("run.py: mlops-stacks runs on Linux and macOS; on Windows, use the Windows Subsystem for Linux.")

ROOT = Path(__file__).resolve().parent
LOCKS = ROOT / "locks"
ENVIRONMENT = ROOT / ".venv"
TOOLS = ROOT / ".venvs" / "tools"
STAMP = ".mlops-stacks-lock"
OLDEST_PYTHON = (3, 11)

BLUEPRINT = "blueprints/quickstart.yaml"
FULL_BLUEPRINT = "blueprints/local.yaml"
FLIGHT = "examples/flight_delay/flight.json"
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


# ── commands ──


def quickstart(arguments: argparse.Namespace) -> int:
    """From nothing to a prediction for a real flight, on this machine, in `.mlops-stacks/` beside the blueprint."""
    prepare(FULL if arguments.full else LOCAL)
    blueprint = FULL_BLUEPRINT if arguments.full else BLUEPRINT
    program: Command = [bin_of(ENVIRONMENT, "mlops-stacks"), "--blueprint", blueprint]
    verbs = (
        ("Starting the platform", ["up"]),
        ("Training on every flight of January to 17 March 2013, testing on the two weeks after", ["run", "delay"]),
        ("Releasing the version that was registered", ["release", "delay", "latest_approved"]),
        ("Serving it", ["up"]),
        (
            "Asking it about a flight of 1 April that arrived 17 minutes late",
            ["predict", "delay", "--input", f"@{FLIGHT}"],
        ),
    )
    for title, verb in verbs:
        with step(title):
            must([*program, *verb], f"`mlops-stacks {' '.join(verb)}` failed; the lines above say why")
    say(
        f"""
It runs on, and starts again should it die. What next:

  source .venv/bin/activate
  export MLOPS_STACKS_BLUEPRINT={blueprint}
  mlops-stacks status                      what runs, and where
  mlops-stacks open                        the same as a page, with links
  mlops-stacks open experiment_tracking    the run that was just made, in MLflow
  mlops-stacks open serving                the model's own page, to try it in a browser
  mlops-stacks plan                        every resource, and why it is there
  mlops-stacks destroy                     take it all away
"""
    )
    return 0


@dataclass(frozen=True)
class Suite:
    """Some of the tests, with what they need and how many seconds they may take on two cores."""

    title: str
    options: tuple[str, ...]
    limit: float


def suites() -> tuple[Suite, ...]:
    """Fast tests first; slow ones wait for processes most of the time, so two of them use two cores well."""
    workers = str(max(1, min(4, os.cpu_count() or 1)))
    side_by_side = ("-n", workers, "--dist", "loadfile", "--no-loadscope-reorder", "--cov")
    fast = ("-m", "not slow", *side_by_side, "--cov-report=", "--cov-fail-under=0")
    slow = ("-m", "slow", *side_by_side, "--cov-append", "--cov-report=term")
    return (
        Suite("Tests that start nothing, or little", fast, 13 * 60),
        Suite("Tests that start real processes; coverage of all", slow, 22 * 60),
    )


def static_checks() -> list[tuple[str, Command]]:
    """What is wrong without running anything."""
    return [
        ("Lint", [bin_of(ENVIRONMENT, "ruff"), "check", "."]),
        ("Format", [bin_of(ENVIRONMENT, "ruff"), "format", "--check", "."]),
        ("Types", [bin_of(ENVIRONMENT, "mypy")]),
        ("Who may import whom", [bin_of(ENVIRONMENT, "lint-imports")]),
    ]


def test(arguments: argparse.Namespace) -> int:
    """Everything that CI runs; with arguments, pytest alone with these."""
    prepare(DEV)
    for each in APART:
        prepare_apart(each)
    pytest: Command = [bin_of(ENVIRONMENT, "python"), "-m", "pytest"]
    if arguments.pytest:
        return call([*pytest, *arguments.pytest])
    failed = []
    for title, command in static_checks():
        with step(title):
            if call(command, limit=600) != 0:
                failed.append(title)
    for suite in suites():
        with step(f"{suite.title} (at most {suite.limit / 60:.0f} minutes)"):
            if call([*pytest, *suite.options], limit=suite.limit) != 0:
                failed.append(suite.title)
    say(f"\nFailed: {'; '.join(failed)}." if failed else "\nAll passed.")
    return 1 if failed else 0


def lock(arguments: argparse.Namespace) -> int:
    """Resolve every lock anew: versions and hashes, no address of an index and no path."""
    with one_at_a_time():
        uv = prepare_tools() if TOOLS_LOCK.file.exists() else shutil.which("uv")
    if uv is None:
        raise Stopped(f"{TOOLS_LOCK.file.relative_to(ROOT)} is missing; restore it from version control")
    # Neither an index nor a path of this machine may get into what is committed.
    bare = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    how = ["--quiet", "--universal", "--python-version", ".".join(map(str, OLDEST_PYTHON)), "--generate-hashes", *bare]
    if arguments.upgrade:
        how.append("--upgrade")
    for each in ALL_LOCKS:
        with step(f"Resolving locks/{each.name}.txt"):
            command: Command = [uv, "pip", "compile", *how, each.source, *each.arguments, "--output-file", each.file]
            must(command, "the requirements could not be resolved; the lines above say why")
    return 0


def golden(arguments: argparse.Namespace) -> int:
    """Run the tests that compare with golden files, and let them write what they find."""
    prepare(DEV)
    chosen = arguments.pytest or ["-q"]
    code = call([bin_of(ENVIRONMENT, "python"), "-m", "pytest", "-m", "golden", *chosen], MLOPS_STACKS_GOLDEN="rewrite")
    say("Look at the difference before you commit it: `git diff`.")
    return code


def parser() -> argparse.ArgumentParser:
    """The command line."""
    description, _, _ = (__doc__ or "").partition("\n")
    root = argparse.ArgumentParser(prog="run.py", description=description)
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    for function, help_text in (
        (quickstart, "a model trained on real data, served on this machine"),
        (test, "everything that CI runs, or pytest with the arguments that follow"),
        (lock, "resolve the locks anew"),
        (golden, "rewrite the golden files of the tests"),
    ):
        command = commands.add_parser(function.__name__, help=help_text, description=function.__doc__)
        command.set_defaults(function=function)
        if function is quickstart:
            command.add_argument("--full", action="store_true", help="every stage, not only those that train and serve")
        if function is lock:
            command.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
        command.set_defaults(takes_pytest=function in (test, golden))
    return root


def main(argv: Sequence[str]) -> int:
    """Run one command. What pytest is given is passed on untouched."""
    # A shell starts what it puts in the background deaf to interrupts, and every child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments, rest = parser().parse_known_args(argv)
    if rest and not arguments.takes_pytest:
        parser().error(f"unrecognised arguments: {' '.join(rest)}")
    arguments.pytest = rest
    try:
        return int(arguments.function(arguments))
    except Stopped as reason:
        print(f"run.py: {reason}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("run.py: interrupted; run it again to continue.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"run.py: mlops-stacks needs Python 3.11 or newer, and {sys.executable} is {found}.")
    sys.exit(main(sys.argv[1:]))
