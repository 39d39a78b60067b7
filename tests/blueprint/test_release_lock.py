"""The release lock: what is written is read back, and a rejected version stays out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_stacks.blueprint.model import ModelConfig
from mlops_stacks.blueprint.problems import BlueprintError, Problem
from mlops_stacks.blueprint.release_lock import (
    Released,
    ReleaseLock,
    lock_path,
    read_lock,
    resolve_release,
    write_lock,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lock_file(folder: Path, text: str) -> Path:
    path = lock_path(folder, "shop", "dev")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_no_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert read_lock(tmp_path, "shop", "dev") == ReleaseLock()


@pytest.mark.parametrize("text", ["", "# only a comment\n", "models: {}\n"])
def test_an_empty_file_is_an_empty_lock(tmp_path: Path, text: str) -> None:
    lock_file(tmp_path, text)
    assert read_lock(tmp_path, "shop", "dev") == ReleaseLock()


def test_lock_lies_beside_the_blueprint_in_readable_yaml(tmp_path: Path) -> None:
    lock = ReleaseLock().released("churn", 1, "Anna", NOON).released("churn", 2, "Ben", NOON)
    path = write_lock(tmp_path, "shop", "dev", lock)
    assert path == tmp_path / "releases" / "shop" / "dev.yaml"
    assert path.read_text() == (
        "# Which versions are served. Written by `mlops-stacks release`; keep it under version control.\n"
        "models:\n"
        "  churn:\n"
        "    version: 2\n"
        "    approved_by: Ben\n"
        "    released_at: '2026-03-01T12:00:00Z'\n"
        "    previous: 1\n"
    )
    assert [p.name for p in path.parent.iterdir()] == ["dev.yaml"]


@given(names=st.lists(st.text(max_size=30), min_size=1, max_size=3), reason=st.text(max_size=60))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, names: list[str], reason: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "round_trip"
    lock = ReleaseLock()
    for version, name in enumerate(names, 1):
        lock = lock.released("churn", version, name, NOON)
    lock = lock.rejecting("churn", len(names), reason, NOON)
    write_lock(folder, "shop", "dev", lock)
    assert read_lock(folder, "shop", "dev") == lock


def test_a_release_remembers_the_one_before_and_a_repeated_one_does_not_forget_it() -> None:
    lock = ReleaseLock().released("churn", 4, "a", NOON).released("churn", 5, "a", NOON).released("churn", 5, "b", NOON)
    assert (lock.models["churn"].version, lock.models["churn"].previous) == (5, 4)


def test_rejecting_the_served_version_brings_the_one_before_back() -> None:
    lock = ReleaseLock().released("churn", 4, "a", NOON).released("churn", 5, "a", NOON)
    after = lock.rejecting("churn", 5, "errors above 5 %", NOON).models["churn"]
    assert (after.version, after.previous) == (4, None)
    assert after.rejection_of(5) is not None
    assert after.rejection_of(4) is None


def test_a_rejected_version_before_does_not_come_back() -> None:
    lock = ReleaseLock().released("churn", 4, "a", NOON).released("churn", 5, "a", NOON)
    after = lock.rejecting("churn", 4, "leak", NOON).rejecting("churn", 5, "errors", NOON).models["churn"]
    assert after.version is None


def test_a_rejected_version_is_not_released_again() -> None:
    lock = ReleaseLock().rejecting("churn", 5, "errors above 5 %", NOON)
    with pytest.raises(BlueprintError) as refused:
        lock.released("churn", 5, "a", NOON)
    assert str(refused.value) == (
        "models.churn.release: version 5 was rejected on 2026-03-01: errors above 5 %; "
        "release another version: `mlops-stacks release churn <version>`"
    )


@pytest.mark.parametrize(
    ("release", "entry", "expected"),
    [
        ("none", Released(version=3), None),
        ("latest_approved", None, None),
        ("latest_approved", Released(), None),
        ("latest_approved", Released(version=3), "3"),
        (2, None, "2"),
        (2, Released(version=3), "2"),
    ],
)
def test_which_version_is_served(release: str | int, entry: Released | None, expected: str | None) -> None:
    model = ModelConfig.model_validate({"release": release})
    assert resolve_release("churn", model, entry) == expected


@pytest.mark.parametrize("release", [5, "latest_approved"])
def test_a_rejected_version_is_not_served(release: str | int) -> None:
    rejected = ReleaseLock().rejecting("churn", 5, "errors", NOON).models["churn"]
    entry = rejected.model_copy(update={"version": 5})
    with pytest.raises(BlueprintError, match="version 5 was rejected on 2026-03-01: errors"):
        resolve_release("churn", ModelConfig.model_validate({"release": release}), entry)


def test_all_that_is_wrong_with_a_lock_is_said_with_file_and_line(tmp_path: Path) -> None:
    path = lock_file(
        tmp_path,
        "models: {churn: {\n version: latest,\n aproved_by: Anna,\n rejected: [\n {version: 0, reason: 3}]}}\n",
    )
    with pytest.raises(BlueprintError) as refused:
        read_lock(tmp_path, "shop", "dev")
    assert "\n".join(str(problem) for problem in refused.value.problems).replace(str(path), "F") == (
        "F:2: models.churn.version: it must be a whole number of at least 1, not the text `latest`; "
        "write a whole number of at least 1\n"
        "F:3: models.churn.aproved_by: there is no field `aproved_by` here; did you mean `approved_by`?\n"
        "F:5: models.churn.rejected.0.version: it must be a whole number of at least 1, not the number `0`; "
        "write a whole number of at least 1\n"
        'F:5: models.churn.rejected.0.reason: it must be text, not the number `3`; put it in quotes: `"3"`\n'
        "F:5: models.churn.rejected.0.rejected_at: it is required, and missing; "
        "add `rejected_at: 2026-11-21T10:30:00Z`"
    )


@given(st.binary(max_size=200))
def test_no_bytes_make_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any_bytes"
    path = lock_path(folder, "shop", "dev")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found: tuple[Problem, ...] = ()
    try:
        read_lock(folder, "shop", "dev")
    except BlueprintError as error:
        found = error.problems
    assert all(problem.file == str(path) and problem.line for problem in found)
