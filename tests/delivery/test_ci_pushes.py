"""CI 1 with real git, real pytest and real pipeline steps: what is pushed becomes a package, or is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from delivery_helpers import BAD_TEST, commit, git, tiny_repository
from waiting import eventually

from mlops_components.local.code_providers import GitRepositoryProvider
from mlops_components.spec.pipeline import STEPS
from mlops_stacks.runtime.delivery.records import read_builds, read_packages
from mlops_stacks.runtime.run_status import State

pytestmark = pytest.mark.slow


def ci_settings(root: Path, **changes: Any) -> dict[str, Any]:
    """Settings of CI 1 in a folder."""
    steps = [
        {
            "name": name,
            "depends_on": list(STEPS[max(0, at - 1) : at]),
            "retries": 1,
            "timeout_minutes": 5,
            "compute": {},
        }
        for at, name in enumerate(STEPS)
    ]
    spec = {"name": "things", "model": "things", "steps": steps, "parameters": {"rows": "400"}, "schedule": None}
    return {
        "blueprint": "tiny",
        "branch": "main",
        "folder": ".",
        "entry_point": "tiny_workload:workload",
        "test_command": ["python", "-m", "pytest", "-q"],
        "timeout_minutes": 3,
        "smoke_parameters": {"rows": 60},
        "models": {"things": {"pipeline": spec, "parameters": {"rows": 400}}},
        "builds": str(root / "builds"),
        "packages": str(root / "packages"),
        **changes,
    }


class Place:
    """A repository with CI 1 behind it, and a working copy that pushes to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bare = root / "ci of ours" / "repository.git"
        self.copy = tiny_repository(root / "copy")
        self.builds, self.packages = root / "builds", root / "packages"
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Have the repository under other settings."""
        settings = self.root / "settings.json"
        settings.write_text(json.dumps(ci_settings(self.root, **changes)))
        command = ["python", "-m", "mlops_stacks.runtime", "ci", "--settings", str(settings)]
        properties = {"path": str(self.bare), "branch": "main", "command": command, "with_commits": True}
        GitRepositoryProvider().create(properties)

    def push(self, ref: str = "HEAD:main", *, good: bool = True) -> str:
        """Push; returns what the pusher sees."""
        return git("push", str(self.bare), ref, folder=self.copy, good=good).stderr

    def head(self) -> str | None:
        """The commit that the repository's branch is at."""
        ended = git("rev-parse", "--verify", "--quiet", "refs/heads/main", folder=self.bare, good=False)
        return ended.stdout.strip() or None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_good_commit_becomes_a_package_and_a_bad_one_is_refused_with_its_log(place: Place) -> None:
    good = commit_of(place)
    seen = place.push()
    assert "package 1 is ready" in seen
    assert "1 passed" in seen
    assert place.head() == good
    (package,) = read_packages(place.packages)
    folder = place.packages / "1"
    assert (package.version, package.commit, package.branch) == (1, good, "main")
    assert package.wheel.startswith("tiny_workload-1.0-")
    assert (folder / package.wheel).is_file()
    assert package.tests is not None
    assert (package.tests["tests"], package.tests["failures"]) == (1, 0)
    assert set(package.models["things"]) == {"accuracy"}
    tried = json.loads((folder / "pipelines" / "things.json").read_text())
    assert tried["parameters"] == {"rows": "60"}
    assert [step["name"] for step in tried["steps"]] == list(STEPS)
    assert (folder / "tests.xml").is_file()

    (place.copy / "test_tiny.py").write_text(BAD_TEST)
    bad = commit(place.copy, "break it")
    refused = place.push(good=False)
    assert "the moon is full" in refused
    assert "refused: the tests failed" in refused
    assert place.head() == good
    assert [p.version for p in read_packages(place.packages)] == [1]
    latest = read_builds(place.builds)[0]
    assert (latest["number"], latest["commit"], latest["state"], latest["part"]) == (2, bad, State.FAILED, "tests")
    assert (latest["tests"]["tests"], latest["tests"]["failures"]) == (1, 1)
    assert "the moon is full" in (place.builds / "2" / "log.txt").read_text()
    assert not (place.builds / "work").exists()


def commit_of(place: Place) -> str:
    return git("rev-parse", "HEAD", folder=place.copy).stdout.strip()


def test_a_pipeline_that_breaks_is_refused_with_the_steps_words(place: Place) -> None:
    place.configure(smoke_parameters={"rows": 60, "misbehave": "raise in train"})
    refused = place.push(good=False)
    assert "the smoke model of `things` failed" in refused
    assert "no such colour" in refused
    assert place.head() is None
    assert read_packages(place.packages) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"folder": "elsewhere"}, "there is no `pyproject.toml` in `elsewhere`"),
        ({"test_command": ["python", "-m", "pytest", "-q", "-k", "nothing_has_this_name"]}, "there are no tests"),
        ({"test_command": ["no-such-tool"]}, "`no-such-tool` cannot be started"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_sentence(place: Place, change: dict[str, Any], words: str) -> None:
    place.configure(**change)
    refused = place.push(good=False)
    assert words in refused
    assert "Traceback" not in refused
    assert place.head() is None


def test_other_branches_are_taken_as_they_are_and_the_built_one_stays(place: Place) -> None:
    place.configure(models={}, test_command=["python", "-c", ""])
    assert "only main is built" in place.push("HEAD:refs/heads/trial")
    assert read_builds(place.builds) == []
    place.push()
    assert "deleting the current branch is denied" in place.push(":main", good=False)
    git("config", "receive.denyDeleteCurrent", "ignore", folder=place.bare)
    assert "it is not deleted" in place.push(":main", good=False)
    assert place.head() is not None


def test_the_same_commit_is_built_once_under_the_same_settings(place: Place) -> None:
    place.configure(models={}, test_command=["python", "-c", ""])
    place.push()
    first = commit_of(place)
    (place.copy / "more.txt").write_text("more")
    commit(place.copy, "more")
    place.push()
    assert "is package 1 already" in git("push", "--force", str(place.bare), f"{first}:main", folder=place.copy).stderr
    assert [p.version for p in read_packages(place.packages)] == [2, 1]
    place.configure(models={}, test_command=["python", "-c", "print()"])
    git("push", str(place.bare), "HEAD:main", folder=place.copy)
    assert [p.version for p in read_packages(place.packages)] == [3, 2, 1]


def test_the_tests_of_a_commit_see_neither_git_s_variables_nor_the_settings_of_a_folder_above(place: Place) -> None:
    (place.root / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (place.copy / "test_tiny.py").write_text(
        "import os\n\ndef test_clean():\n    assert not [name for name in os.environ if name.startswith('GIT_')]\n"
    )
    commit(place.copy, "look around")
    place.configure(models={})
    assert "1 passed" in place.push()


def test_a_build_that_is_killed_leaves_no_package_and_the_next_push_goes_on(place: Place) -> None:
    place.configure(models={}, test_command=["python", "-c", "import time; time.sleep(60)"])
    pusher = subprocess.Popen(
        ["git", "-C", str(place.copy), "push", str(place.bare), "HEAD:main"], stderr=subprocess.PIPE
    )
    build = _running(place)
    os.kill(build["pid"], signal.SIGKILL)
    assert pusher.wait(timeout=30) != 0
    pusher.communicate()
    assert place.head() is None
    place.configure(models={}, test_command=["python", "-c", ""])
    place.push()
    assert [p.version for p in read_packages(place.packages)] == [2]
    assert [each["state"] for each in read_builds(place.builds)] == [State.SUCCEEDED, State.INTERRUPTED]


def test_a_pusher_who_goes_away_takes_the_build_along(place: Place) -> None:
    place.configure(models={}, test_command=["python", "-c", "import time; time.sleep(60)"])
    pusher = subprocess.Popen(
        ["git", "-C", str(place.copy), "push", str(place.bare), "HEAD:main"],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    build = _running(place)
    os.killpg(pusher.pid, signal.SIGINT)
    pusher.communicate(timeout=30)
    eventually(lambda: read_builds(place.builds)[0]["state"] != State.RUNNING)
    assert read_builds(place.builds)[0]["state"] == State.CANCELLED
    eventually(lambda: not Path(f"/proc/{build['pid']}").exists())
    assert place.head() is None


def _running(place: Place) -> dict[str, Any]:
    eventually(lambda: any(build["part"] == "tests" for build in read_builds(place.builds)))
    time.sleep(0.3)
    return read_builds(place.builds)[0]
