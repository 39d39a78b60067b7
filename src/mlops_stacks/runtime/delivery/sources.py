"""A clean checkout of a commit that is being pushed, and its tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from mlops_components.spec.delivery import CiSettings
from mlops_stacks.runtime.delivery.commands import BuildError, Log, clean_environment, refuse_failure, run_logged
from mlops_stacks.runtime.delivery.records import Outcome

_NO_TESTS = 5
"""Exit code of pytest where it finds no test."""


def check_out(commit: str, folder: Path) -> int:
    """Put the files of `commit` into the empty `folder`; returns the commit's time in seconds since the epoch.

    The repository is the one that git's hook runs in, whose environment also leads to objects that are not accepted
    yet. No attribute of a file leaves it out, as it would from an archive.
    """
    environment = {**os.environ, "GIT_INDEX_FILE": str(folder.with_name(f"{folder.name}.index"))}
    folder.mkdir(parents=True)
    _git(f"--work-tree={folder}", "checkout", "--force", "--quiet", commit, "--", ".", environment=environment)
    return int(_git("show", "--no-patch", "--format=%ct", commit, environment=environment))


def _git(*arguments: str, environment: dict[str, str]) -> str:
    command = ["git", *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    except OSError as error:
        raise BuildError(f"git cannot be started ({error.strerror}): install it.") from error
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split())
        raise BuildError(f"the commit cannot be checked out: {reason}") from error
    return ended.stdout.strip()


def workload_folder(checkout: Path, settings: CiSettings) -> Path:
    """The workload's folder in a checkout. Raises `BuildError` where there is no project."""
    folder = (checkout / settings["folder"]).resolve()
    if not folder.is_relative_to(checkout.resolve()) or not (folder / "pyproject.toml").is_file():
        raise BuildError(
            f"there is no `pyproject.toml` in `{settings['folder']}` of the repository: CI 1 builds a wheel from it; "
            "write one, or say in the blueprint in which `folder` it is."
        )
    return folder


def run_tests(folder: Path, settings: CiSettings, log: Log, report: Path) -> Outcome | None:
    """Run the workload's tests; returns their summary if they wrote a report. Raises `BuildError`."""
    limit = settings["timeout_minutes"]
    sources = folder / "src" if (folder / "src").is_dir() else folder
    environment = clean_environment(
        {
            "PYTHONPATH": str(sources),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_ADDOPTS": f"--junitxml='{report}' -p no:cacheprovider",
        }
    )
    try:
        ended = run_logged(settings["test_command"], folder, log, limit * 60, environment)
    except OSError as error:
        raise BuildError(f"the test command `{settings['test_command'][0]}` cannot be started: {error}.") from error
    if ended.exit_code == _NO_TESTS and "pytest" in " ".join(settings["test_command"]):
        raise BuildError("there are no tests: a package is only made of what was tested.")
    refuse_failure(ended, "the tests", limit)
    return summary_of(report)


def summary_of(report: Path) -> Outcome | None:
    """What a report in JUnit's format says in sum; None where there is no such report."""
    # The report was written a moment ago by the tests, whose code runs here anyway.
    from xml.etree import ElementTree

    if not report.exists():
        return None
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314
    except ElementTree.ParseError as error:
        raise BuildError(f"the tests' report {report} cannot be read: {error}.") from error
    outcome: Outcome = {
        "tests": sum(int(suite.get("tests", 0)) for suite in suites),
        "failures": sum(int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites),
        "skipped": sum(int(suite.get("skipped", 0)) for suite in suites),
        "seconds": sum((float(suite.get("time", 0)) for suite in suites), 0.0),
    }
    return outcome
