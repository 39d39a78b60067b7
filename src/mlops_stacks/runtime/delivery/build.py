"""One build: a commit is checked out, tested, made a wheel, tried, and stored as a package, or refused on the way."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from mlops_components.spec.delivery import WORK, CiSettings
from mlops_stacks.runtime.delivery import records
from mlops_stacks.runtime.delivery.commands import BuildError, Log
from mlops_stacks.runtime.delivery.records import (
    Build,
    Outcome,
    Package,
    Part,
    file_sha256,
    numbers,
    read_builds,
    read_packages,
)
from mlops_stacks.runtime.delivery.smoke import prepare_features, smoke_spec, train_smoke_model
from mlops_stacks.runtime.delivery.sources import check_out, run_tests, summary_of, workload_folder
from mlops_stacks.runtime.delivery.wheels import build_wheel, unpack
from mlops_stacks.runtime.errors import RuntimeFault
from mlops_stacks.runtime.run_status import State, now, write_json

_LOCK = ".lock"


def build_commit(settings: CiSettings, commit: str, audience: TextIO) -> Package:
    """The package of `commit`: found, or built now while `audience` is told. Raises `BuildError` or `Cancelled`."""
    builds = Path(settings["builds"])
    with _one_at_a_time(builds, audience):
        _close_interrupted(builds)
        made = _found(settings, commit)
        if made is not None:
            audience.write(f"CI 1: commit {commit[:12]} is package {made.version} already.\n")
            return made
        return _Run(settings, commit, audience).carry_out()


@contextmanager
def _one_at_a_time(builds: Path, audience: TextIO) -> Iterator[None]:
    """Hold the lock of the builds; the kernel lets go of it however this process ends."""
    try:
        builds.mkdir(parents=True, exist_ok=True)
        lock = (builds / _LOCK).open("w")
    except OSError as error:
        raise BuildError(f"the folder {builds} cannot be written ({error.strerror}): run `up` again.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            audience.write("CI 1: another build is under way; waiting for it.\n")
            audience.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _close_interrupted(builds: Path) -> None:
    """We hold the lock, so a build that says it is running is not."""
    for build in read_builds(builds):
        if build["state"] == State.RUNNING:
            closed = {**build, "state": State.INTERRUPTED, "ended": now(), "error": "the build was killed."}
            write_json(Path(build["folder"]) / records.BUILD, closed)


def _found(settings: CiSettings, commit: str) -> Package | None:
    digest = settings_digest(settings)
    made = (each for each in read_packages(Path(settings["packages"])) if each.commit == commit)
    return next((each for each in made if each.settings == digest), None)


def settings_digest(settings: CiSettings) -> str:
    """A hash of what a build depends on besides the commit."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


class _Run:
    """A build while it runs."""

    def __init__(self, settings: CiSettings, commit: str, audience: TextIO) -> None:
        self._settings = settings
        builds, self._packages = Path(settings["builds"]), Path(settings["packages"])
        number = max((*numbers(builds), *numbers(self._packages)), default=0) + 1
        folder = builds / str(number)
        folder.mkdir()
        self._build = Build(number, str(folder), commit, settings["branch"])
        self._build.log.touch()
        self._build.write()
        self._log = Log(self._build.log, audience)
        self._work = builds / WORK

    def carry_out(self) -> Package:
        """Do all parts; whatever ends them is on record, and the working files are gone."""
        try:
            self._empty_work()
            package = self._package()
        except RuntimeFault as fault:
            self._build.tests = self._build.tests or self._reported()
            self._end(State.FAILED, str(fault))
            raise
        except BaseException:
            self._end(State.CANCELLED, "it was cancelled.")
            raise
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
        self._end(State.SUCCEEDED, None)
        return package

    def _reported(self) -> Outcome | None:
        """The outcome of tests that failed: they end the build before it is handed back. None without a whole report.

        Those that were stopped at the time limit may have left half of one.
        """
        try:
            return summary_of(Path(self._build.folder) / records.TEST_REPORT)
        except BuildError:
            return None

    def _empty_work(self) -> None:
        """A killed build leaves its files; and pytest must not take the settings of a folder further up."""
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        (self._work / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    def _package(self) -> Package:
        settings, log = self._settings, self._log
        self._begin(Part.CHECKOUT)
        time = check_out(self._build.commit, self._work / "checkout")
        folder = workload_folder(self._work / "checkout", settings)
        self._begin(Part.TESTS)
        report = Path(self._build.folder) / records.TEST_REPORT
        self._build.tests = run_tests(folder, settings, log, report)
        self._begin(Part.WHEEL)
        wheel = build_wheel(folder, settings, log, self._work / "wheel", time)
        self._begin(Part.SMOKE)
        metrics = self._try_models(wheel)
        self._begin(Part.PACKAGE)
        return self._store(wheel, report, metrics)

    def _try_models(self, wheel: Path) -> dict[str, dict[str, float]]:
        if self._settings["entry_point"] is None or not self._settings["models"]:
            self._log.say("There is no model to try.")
            return {}
        code = self._work / "code"
        unpack(wheel, code)
        prepare_features(self._settings, self._work, self._log)
        return {
            name: train_smoke_model(name, self._settings, code, self._work, self._log)
            for name in self._settings["models"]
        }

    def _store(self, wheel: Path, report: Path, metrics: dict[str, dict[str, float]]) -> Package:
        """Put the package in its place in one step."""
        build, settings = self._build, self._settings
        package = Package(
            version=build.number,
            blueprint=settings["blueprint"],
            commit=build.commit,
            branch=build.branch,
            created=now(),
            entry_point=settings["entry_point"],
            wheel=wheel.name,
            sha256=file_sha256(wheel),
            tests=build.tests,
            models=metrics,
            settings=settings_digest(settings),
        )
        draft = self._work / "package"
        for name, model in settings["models"].items():
            write_json(draft / "pipelines" / f"{name}.json", smoke_spec(model, settings))
        write_json(draft / records.PACKAGE, asdict(package))
        shutil.move(wheel, draft / wheel.name)
        if report.exists():
            shutil.copy(report, draft / report.name)
        self._packages.mkdir(parents=True, exist_ok=True)
        unfinished = self._packages / f".{build.number}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        # The packages may lie on another file system, where a move is no single step.
        shutil.move(draft, unfinished)
        unfinished.replace(self._packages / str(build.number))
        return package

    def _begin(self, part: Part) -> None:
        self._build.part = part
        self._build.write()
        self._log.say(f"CI 1: build {self._build.number} of {self._build.commit[:12]}: {part}")

    def _end(self, state: State, error: str | None) -> None:
        self._build.state, self._build.error, self._build.ended = state, error, now()
        self._build.write()
