"""`up` and `destroy` of a whole blueprint, killed at every event: the next run ends where an unkilled one does.

Compared are live processes, sockets and the content of files, not only what the state says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from integration_platform import (
    CHEAP,
    Picture,
    carry_out,
    end_everything,
    is_taken,
    opened,
    picture,
    settled,
    write_project,
)
from killed_runs import Moment, moment, run

from mlops_stacks.executors.events import EventKind

FATAL = (EventKind.RECORDED, EventKind.EFFECT, EventKind.WRITTEN)
"""Before the effect of an operation, between effect and state, and after both."""

CHANGED = {**CHEAP, "models": {"tiny": {"parameters": {"seen_in": "later"}, **CHEAP["models"]["tiny"]}}}

LANES = 3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def blueprint(tmp_path: Path) -> Iterator[Path]:
    """A project; whatever it started is ended."""
    yield write_project(tmp_path, CHEAP)
    end_everything(tmp_path)


def home(blueprint: Path) -> Path:
    return opened(blueprint).home


def moments(blueprint: Path, action: str) -> list[Moment]:
    """Carry out an action and return each moment at which it will be killed later."""
    return [moment(event) for event in carry_out(blueprint, action) if event.kind in FATAL]


def assert_gone(blueprint: Path, note: object) -> None:
    assert picture(home(blueprint)) == Picture(), note


def in_lanes(folder: Path, moments: Sequence[Any], lane: Callable[[Path, Sequence[Any]], None]) -> None:
    """Share the moments among a few projects that live side by side: most of the time is spent in waiting."""
    blueprints = [write_project(folder / f"lane-{number}", CHEAP) for number in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        for done in [pool.submit(lane, file, moments[number::LANES]) for number, file in enumerate(blueprints)]:
            done.result()


def test_up_and_destroy_killed_at_any_event_are_made_good_by_the_next_run(blueprint: Path) -> None:
    building = moments(blueprint, "up")
    whole = settled(home(blueprint))
    assert whole.programs == {"supervisord": 1, "dev-scheduler": 1}
    assert (whole.supervisors, len(whole.sockets)) == (1, 1)
    razing = moments(blueprint, "destroy")
    assert_gone(blueprint, "never killed")
    assert not any(is_taken(port) for _, port in whole.sockets)
    assert len(building) == len(razing) > 40, "too few moments for the test to mean anything"
    # Every second one: the executor's own tests are killed at each.
    in_lanes(blueprint.parent, list(zip(building, razing, strict=True))[::2], kill_both)


def kill_both(blueprint: Path, fatal: Sequence[tuple[Moment, Moment]]) -> None:
    run(blueprint, "up")
    whole = settled(home(blueprint))
    run(blueprint, "destroy")
    for fatal_to_up, fatal_to_destroy in fatal:
        run(blueprint, "up", fatal_to_up)
        run(blueprint, "up")
        assert settled(home(blueprint), whole) == whole, fatal_to_up
        run(blueprint, "destroy", fatal_to_destroy)
        run(blueprint, "destroy")
        assert_gone(blueprint, fatal_to_destroy)


def test_an_update_killed_at_any_event_loses_no_data_and_doubles_nothing(blueprint: Path) -> None:
    carry_out(blueprint, "up")
    write_project(blueprint.parent, CHANGED)
    changing = moments(blueprint, "up")
    write_project(blueprint.parent, CHEAP)
    changing_back = moments(blueprint, "up")
    carry_out(blueprint, "destroy")
    assert len(changing) >= 6, "too few moments for the test to mean anything"
    in_lanes(blueprint.parent, list(zip(changing, changing_back, strict=True)), kill_updates)


def kill_updates(blueprint: Path, fatal: Sequence[tuple[Moment, Moment]]) -> None:
    run(blueprint, "up")
    kept = {home(blueprint) / "dev" / name / "rows.csv": f"kept in {name}" for name in ("data", "artifacts", "capture")}
    for path, text in kept.items():
        path.write_text(text)
    before = settled(home(blueprint))
    write_project(blueprint.parent, CHANGED)
    run(blueprint, "up")
    after = settled(home(blueprint))
    write_project(blueprint.parent, CHEAP)
    run(blueprint, "up")
    assert settled(home(blueprint), before) == before != after
    for there, back in fatal:
        for document, last, expected in ((CHANGED, there, after), (CHEAP, back, before)):
            write_project(blueprint.parent, document)
            run(blueprint, "up", last)
            run(blueprint, "up")
            assert settled(home(blueprint), expected) == expected, last
            assert {path: path.read_text() for path in kept} == kept
    run(blueprint, "destroy")
    assert_gone(blueprint, "at the end")


def test_a_destroy_of_what_is_half_built_leaves_nothing(blueprint: Path) -> None:
    building = moments(blueprint, "up")
    carry_out(blueprint, "destroy")
    in_lanes(blueprint.parent, building[1::3], destroy_half_built)


def destroy_half_built(blueprint: Path, fatal: Sequence[Moment]) -> None:
    for last in fatal:
        run(blueprint, "up", last)
        run(blueprint, "destroy")
        assert_gone(blueprint, last)
