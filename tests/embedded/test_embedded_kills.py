"""Whenever a run is killed, the next one ends where a run that was never killed ends, in files and live processes."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from embedded_child import executor, identity, killed, run, world_folder
from embedded_sample import end_sleepers, variant, world
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from mlops_stacks.executors.embedded.store import read, state_path

pytestmark = pytest.mark.timeout(800)

EXPECTED = {
    "a": {
        "beside-a": "one",
        "ex-a": "x",
        "ex-a-user": "u",
        "first": "one",
        "moved-a": "one",
        "removed": "one",
        "process main": "1.0",
    },
    "b": {
        "beside-b": "two",
        "ex-b": "x",
        "ex-b-user": "u",
        "first": "two",
        "late": "l",
        "moved-b": "two",
        "process added": "two",
        "process main": "2.0",
    },
    "c": {"ex-a": "y", "moved-c": "three"},
    "destroy": {},
}


@contextmanager
def fresh_root() -> Iterator[Path]:
    # A kill loses nothing that was written, synced or not, and memory is quicker to sync than a disk.
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="embedded-", dir=memory if memory.is_dir() else None))
    world_folder(root).mkdir()
    try:
        yield root
    finally:
        end_sleepers(world_folder(root))
        shutil.rmtree(root)


def assert_converges(root: Path, action: str, note: str) -> None:
    """The next run ends where it should, leaves nothing pending, and the one after it has nothing to do."""
    run(root, action)
    assert world(world_folder(root)) == EXPECTED[action], note
    if action != "destroy":
        state = read(state_path(root / "state", "flights-dev"))
        assert state is not None
        assert (state.pending, state.doomed) == ([], {}), note
        again = executor(root).up(variant(world_folder(root), action), identity(root))
        assert (again.created, again.updated, again.replaced, again.deleted) == ((), (), (), ()), note
        executor(root).destroy(identity(root))
    assert world(world_folder(root)) == {}, note
    assert list((root / "state").iterdir()) == [], note


SCENARIOS = [
    ([], "a", "a"),
    ([], "a", "b"),
    ([], "a", "c"),
    ([], "a", "destroy"),
    (["a"], "b", "b"),
    (["a"], "b", "a"),
    (["a"], "b", "c"),
    (["a"], "b", "destroy"),
    (["a"], "destroy", "destroy"),
    (["a"], "destroy", "a"),
    (["a"], "destroy", "b"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "action", "then"), SCENARIOS)
def test_a_run_killed_at_any_event_is_made_good_by_the_next(before: list[str], action: str, then: str) -> None:
    """Where the same run comes again, at every event; where another comes, at every fourth."""
    for kill_at in itertools.count(step=1 if then == action else 4):
        with fresh_root() as root:
            for earlier in before:
                run(root, earlier)
            if not killed(root, action, kill_at):
                break
            assert_converges(root, then, f"killed at event {kill_at} of {action} after {before}, then {then}")
    assert kill_at > 20, "too few events for the test to mean anything"


@pytest.mark.slow
@pytest.mark.parametrize(("before", "action"), [([], "a"), (["a"], "b"), (["a"], "destroy")])
def test_a_run_with_operations_side_by_side_is_made_good_too(before: list[str], action: str) -> None:
    for kill_at in itertools.count(step=2):
        with fresh_root() as root:
            for earlier in before:
                run(root, earlier)
            if not killed(root, action, kill_at, workers=8):
                break
            assert_converges(root, action, f"killed at event {kill_at} of {action} after {before}, side by side")


class Runs(RuleBasedStateMachine):
    """Any programs in any order, killed anywhere; now and then one comes to its end and must then be right."""

    @initialize()
    def begin(self) -> None:
        self.context = fresh_root()
        self.root = self.context.__enter__()

    @rule(action=st.sampled_from(["a", "b", "c", "destroy"]), kill_at=st.integers(0, 45))
    def run_and_kill(self, action: str, kill_at: int) -> None:
        if not killed(self.root, action, kill_at):
            assert world(world_folder(self.root)) == EXPECTED[action]

    @rule(action=st.sampled_from(["a", "b", "c", "destroy"]))
    def run_to_the_end(self, action: str) -> None:
        run(self.root, action)
        assert world(world_folder(self.root)) == EXPECTED[action]

    def teardown(self) -> None:
        if hasattr(self, "context"):
            try:
                assert_converges(self.root, "b", "after all")
            finally:
                self.context.__exit__(None, None, None)


@pytest.mark.slow
def test_any_sequence_of_programs_and_kills_converges() -> None:
    run_state_machine_as_test(
        Runs,
        settings=settings(
            max_examples=12, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
