#!/usr/bin/env python3
"""The one entry point of a fresh clone: needs Python 3.11 and pip, installs everything else into this folder.

    python3 run.py quickstart    a model trained on real data, served on this machine
    python3 run.py test          everything that CI runs
    python3 run.py lock          resolve the locks anew
    python3 run.py golden        rewrite the golden files of the tests

Only the standard library is used; locks/environments.py says how the environments are made.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if sys.platform == "win32":
    sys.exit("run.py: mlops-stacks runs on Linux and macOS; on Windows, use the Windows Subsystem for Linux.")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from locks.environments import (
    ALL_LOCKS,
    APART,
    DEV,
    ENVIRONMENT,
    FULL,
    LOCAL,
    ROOT,
    TOOLS_LOCK,
    Command,
    Stopped,
    bin_of,
    call,
    must,
    one_at_a_time,
    prepare,
    prepare_apart,
    prepare_tools,
    say,
    step,
)

OLDEST_PYTHON = (3, 11)

BLUEPRINT = "blueprints/quickstart.yaml"
FULL_BLUEPRINT = "blueprints/local.yaml"
FLIGHT = "examples/flight_delay/flight.json"


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
    side_by_side = ("-n", workers, "--dist", "loadfile", "--cov")
    fast = ("-m", "not slow", *side_by_side, "--cov-report=", "--cov-fail-under=0")
    # In the order of tests/conftest.py, the longest first; fast ones start with the files that hold most tests.
    slow = ("-m", "slow", *side_by_side, "--no-loadscope-reorder", "--cov-append", "--cov-report=term")
    return (
        Suite("Tests that start nothing, or little", fast, 15 * 60),
        Suite("Tests that start real processes; coverage of all", slow, 24 * 60),
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
