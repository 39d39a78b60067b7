"""What `up` and `destroy` make of a program: the same as Pulumi's engine makes of it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from embedded_child import identity, program_of, world_folder
from embedded_sample import Broken, File, Group, Sleep, sleepers, variant, world

from mlops_stacks.executors.embedded.errors import OperationError, ProtectedError
from mlops_stacks.executors.embedded.executor import EmbeddedExecutor
from mlops_stacks.executors.events import Event, EventKind
from mlops_stacks.executors.protocol import DestroyResult, UpResult


class Stack:
    """One stack and what its last run reported."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []
        self.executor = EmbeddedExecutor(root / "state", self.events.append)

    def up(self, program: Callable[[], Any]) -> UpResult:
        self.events.clear()
        return self.executor.up(program_of(program), identity(self.root))

    def destroy(self) -> DestroyResult:
        self.events.clear()
        return self.executor.destroy(identity(self.root))

    def path(self, name: str) -> str:
        return str(world_folder(self.root) / name)

    @property
    def world(self) -> dict[str, str]:
        return world(world_folder(self.root))

    @property
    def done(self) -> list[tuple[str, str]]:
        return [(event.name, event.message) for event in self.events if event.kind is EventKind.WRITTEN]


@pytest.fixture
def stack(root: Path) -> Stack:
    return Stack(root)


def names(urns: tuple[str, ...]) -> set[str]:
    return {urn.rsplit("::", 1)[1] for urn in urns}


def file(stack: Stack, name: str, content: str = "x", **more: Any) -> File:
    opts = more.pop("opts", None)
    return File(name, {"path": stack.path(more.pop("at", name)), "content": content, **more}, opts)


def test_up_creates_updates_replaces_and_deletes_what_a_program_says(stack: Stack) -> None:
    folder = world_folder(stack.root)
    first = stack.up(variant(folder, "a"))
    assert names(first.created) == {
        "sample-flights-dev", "group", "first", "moved", "process", "exclusive", "user", "removed",
    }  # fmt: skip
    assert first.outputs == {"content": "one", "process": "main"}
    second = stack.up(variant(folder, "b"))
    assert names(second.updated) == {"first", "process"}
    assert names(second.replaced) == {"moved", "exclusive"}
    assert names(second.deleted) == {"removed"}
    assert names(second.unchanged) == {"sample-flights-dev", "group"}
    assert stack.executor.outputs("flights-dev") == {"content": "two", "process": "main"}


def test_nothing_to_do_writes_nothing(stack: Stack) -> None:
    folder = world_folder(stack.root)
    stack.up(variant(folder, "a"))
    before = (stack.root / "state" / "flights-dev.json").stat()
    again = stack.up(variant(folder, "a"))
    after = (stack.root / "state" / "flights-dev.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(again.unchanged) == 8
    assert {event.kind for event in stack.events} == {EventKind.UNCHANGED}


def test_events_come_in_the_order_that_durability_needs(stack: Stack) -> None:
    stack.up(lambda: file(stack, "one"))
    assert [event.kind for event in stack.events] == ["started", "recorded", "effect", "written"]
    assert [event.message for event in stack.events] == ["create"] * 4
    elapsed = [event.elapsed for event in stack.events]
    assert elapsed[0] is None
    assert 0 <= elapsed[1] <= elapsed[2] <= elapsed[3] < 10


def test_the_record_of_an_operation_says_all_that_it_takes_to_finish_or_undo_it(stack: Stack) -> None:
    seen: list[dict[str, Any]] = []

    def observe(event: Event) -> None:
        if event.kind is EventKind.RECORDED:
            seen.append(json.loads((stack.root / "state" / "flights-dev.json").read_text()))

    EmbeddedExecutor(stack.root / "state", observe).up(program_of(lambda: file(stack, "one")), identity(stack.root))
    (record,) = seen[0]["pending"]
    assert record["operation"] == "create"
    assert record["pid"] == os.getpid()
    assert record["entry"]["type"] == "pulumi-python:dynamic/sample:File"
    assert record["entry"]["inputs"]["values"].keys() == {"path", "content", "__provider"}


def test_a_dead_process_is_noticed_and_started_again(stack: Stack) -> None:
    def program() -> None:
        Sleep("process", {"folder": str(world_folder(stack.root)), "name": "main", "version": 1})

    stack.up(program)
    (process,) = sleepers(str(world_folder(stack.root)))
    process.send_signal(signal.SIGKILL)
    process.wait(5)
    assert names(stack.up(program).created) == {"process"}
    assert [p.pid for p in sleepers(str(world_folder(stack.root)))] != [process.pid]
    assert stack.world == {"process main": "1.0"}


def test_a_changed_and_a_missing_file_are_mended(stack: Stack) -> None:
    def program() -> None:
        file(stack, "changed")
        file(stack, "missing")

    stack.up(program)
    Path(stack.path("changed")).write_text("by hand")
    Path(stack.path("missing")).unlink()
    result = stack.up(program)
    assert (names(result.updated), names(result.created)) == ({"changed"}, {"missing"})
    assert stack.world == {"changed": "x", "missing": "x"}


def test_a_new_resource_is_made_before_the_replaced_one_goes(stack: Stack) -> None:
    stack.up(lambda: file(stack, "one", at="old"))
    stack.up(lambda: file(stack, "one", at="new"))
    assert stack.done == [("one", "replace"), ("one", "delete")]
    assert stack.world == {"new": "x"}


@pytest.mark.parametrize("by", ["provider", "option"])
def test_delete_before_replace_takes_dependents_along(stack: Stack, by: str) -> None:
    def program(at: str) -> None:
        opts = pulumi.ResourceOptions(delete_before_replace=True) if by == "option" else None
        base = file(stack, "base", at=at, exclusive=by == "provider", opts=opts)
        File("user", {"path": base.path.apply(lambda path: f"{path}-user"), "content": "u"})
        File("reader", {"path": stack.path("reader"), "content": base.path})

    stack.up(lambda: program("old"))
    stack.up(lambda: program("new"))
    order = stack.done
    assert order[:3] == [("user", "delete"), ("base", "delete"), ("base", "replace")]
    assert set(order[3:]) == {("user", "create"), ("reader", "update")}
    assert stack.world == {"new": "x", "new-user": "u", "reader": stack.path("new")}


def test_the_option_overrules_the_provider(stack: Stack) -> None:
    opts = pulumi.ResourceOptions(delete_before_replace=False)
    stack.up(lambda: file(stack, "base", at="old", exclusive=True, opts=opts))
    stack.up(lambda: file(stack, "base", at="new", exclusive=True, opts=opts))
    assert stack.done == [("base", "replace"), ("base", "delete")]


def test_replace_on_changes_and_ignore_changes(stack: Stack) -> None:
    def program(content: str, at: str) -> None:
        file(stack, "replaced", content, opts=pulumi.ResourceOptions(replace_on_changes=["content"]))
        file(stack, "ignored", content, opts=pulumi.ResourceOptions(ignore_changes=["content"]))

    stack.up(lambda: program("one", "a"))
    result = stack.up(lambda: program("two", "b"))
    assert names(result.replaced) == {"replaced"}
    assert names(result.unchanged) == {"sample-flights-dev", "ignored"}
    assert Path(stack.path("ignored")).read_text() == "one"


def test_removed_resources_go_in_reverse_order(stack: Stack) -> None:
    def program() -> None:
        base = file(stack, "base")
        middle = File("middle", {"path": stack.path("middle"), "content": base.content})
        file(stack, "top", opts=pulumi.ResourceOptions(depends_on=[middle]))
        group = Group("group", pulumi.ResourceOptions(depends_on=[middle]))
        file(stack, "child", opts=pulumi.ResourceOptions(parent=group))

    stack.up(program)
    result = stack.up(lambda: None)
    order = [name for name, _ in stack.done]
    assert order.index("top") < order.index("middle") < order.index("base")
    assert names(result.deleted) == {"base", "middle", "top", "group", "child"}
    assert stack.world == {}


def test_protection_keeps_everything_that_would_go_with_it(stack: Stack) -> None:
    def program(*, protect: bool, at: str = "kept") -> None:
        file(stack, "kept", at=at, opts=pulumi.ResourceOptions(protect=protect))
        file(stack, "other")

    stack.up(lambda: program(protect=True))
    with pytest.raises(ProtectedError, match="nothing was deleted, because kept is protected"):
        stack.destroy()
    with pytest.raises(ProtectedError, match="nothing was deleted, because kept is protected"):
        stack.up(lambda: None)
    with pytest.raises(ProtectedError, match="kept would have to be replaced, but it is protected"):
        stack.up(lambda: program(protect=True, at="elsewhere"))
    assert stack.world == {"kept": "x", "other": "x"}
    stack.up(lambda: program(protect=False))
    stack.destroy()
    assert stack.world == {}


def test_children_inherit_protection(stack: Stack) -> None:
    def program() -> None:
        group = Group("group", pulumi.ResourceOptions(protect=True))
        file(stack, "child", opts=pulumi.ResourceOptions(parent=group))
        file(stack, "free", opts=pulumi.ResourceOptions(parent=group, protect=False))

    stack.up(program)
    with pytest.raises(ProtectedError, match="child and group are protected"):
        stack.destroy()


def test_what_is_to_be_retained_is_dropped_from_the_state_only(stack: Stack) -> None:
    stack.up(lambda: file(stack, "kept", opts=pulumi.ResourceOptions(retain_on_delete=True)))
    result = stack.destroy()
    assert result.remaining == ("kept was kept, because its definition says to retain it",)
    assert stack.world == {"kept": "x"}
    assert stack.executor.resources("flights-dev") == ()


def test_deleted_with_spares_the_provider(stack: Stack) -> None:
    def program(*, both: bool) -> None:
        base = file(stack, "base")
        if both:
            permit = stack.path("permit")
            Broken("inside", {"permit": permit}, pulumi.ResourceOptions(deleted_with=base))

    stack.up(lambda: program(both=True))
    with pytest.raises(OperationError, match="delete of inside failed: it is in use"):
        stack.up(lambda: program(both=False))
    stack.destroy()
    assert [name for name, _ in stack.done] == ["base"]


def test_an_alias_takes_the_entry_over_with_its_children(stack: Stack) -> None:
    def program(name: str, aliases: list[str]) -> None:
        group = Group(name, pulumi.ResourceOptions(aliases=[pulumi.Alias(name=alias) for alias in aliases]))
        child = file(stack, f"{name}-child", at="child", opts=pulumi.ResourceOptions(parent=group))
        File("user", {"path": stack.path("user"), "content": child.content})

    stack.up(lambda: program("old", []))
    result = stack.up(lambda: program("new", ["old"]))
    assert len(result.unchanged) == 4
    assert stack.done == []
    user = next(entry for entry in stack.executor.resources("flights-dev") if entry.name == "user")
    assert names(user.dependencies) == {"new-child"}
    stack.destroy()
    assert stack.world == {}


def test_a_resource_moves_under_another_parent(stack: Stack) -> None:
    stack.up(lambda: file(stack, "one"))

    def program() -> None:
        opts = pulumi.ResourceOptions(parent=Group("group"), aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)])
        file(stack, "one", opts=opts)

    assert names(stack.up(program).created) == {"group"}
    assert stack.world == {"one": "x"}


def test_independent_resources_are_made_side_by_side(stack: Stack) -> None:
    def program() -> None:
        for number in range(6):
            file(stack, f"slow-{number}", wait=0.4)

    begun = time.monotonic()
    stack.up(program)
    assert time.monotonic() - begun < 6 * 0.4


def test_two_replacements_that_delete_first_do_not_wait_for_each_other(stack: Stack) -> None:
    def program(suffix: str) -> None:
        bases = [file(stack, f"base-{n}", at=f"base-{n}-{suffix}", exclusive=True, wait=0.05) for n in range(6)]
        for number, base in enumerate(bases):
            File(f"user-{number}", {"path": base.path.apply(lambda path: f"{path}-user"), "content": base.content})

    stack.up(lambda: program("a"))
    done = threading.Event()
    threading.Thread(target=lambda: (stack.up(lambda: program("b")), done.set()), daemon=True).start()
    assert done.wait(60)
    expected = {f"base-{n}-b{end}": "x" for n in range(6) for end in ("", "-user")}
    assert stack.world == expected


def test_destroy_says_what_is_left_and_leaves_no_state(stack: Stack) -> None:
    stack.up(variant(world_folder(stack.root), "a"))
    note = Path(stack.path("main.note"))
    note.write_text("somebody's")
    result = stack.destroy()
    assert result.remaining == ("process left something behind: main.note was written by somebody else",)
    assert len(result.deleted) == 8
    assert stack.world == {"main.note": "somebody's"}
    assert list((stack.root / "state").iterdir()) == []
    assert stack.destroy() == DestroyResult((), ())


def test_destroy_of_nothing_makes_no_folder(stack: Stack) -> None:
    assert stack.destroy() == DestroyResult((), ())
    assert not (stack.root / "state").exists()


def test_forty_resources_with_nothing_to_do_take_well_under_a_second(stack: Stack) -> None:
    def program() -> None:
        group = Group("group")
        for number in range(40):
            file(stack, f"file-{number}", opts=pulumi.ResourceOptions(parent=group))

    stack.up(program)
    begun = time.process_time()
    assert len(stack.up(program).unchanged) == 42
    assert time.process_time() - begun < 1.0
